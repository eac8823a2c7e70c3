/** The kind of saga that drains and retires what a migration has sealed. */
export const retirementName = 'retirement'
