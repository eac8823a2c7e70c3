/** A record's value is its id, filled up with spaces to the size that a load is to have. */
export function paddedValue(id: string, bytes: number): string {
  return id.padEnd(bytes, ' ')
}

export function idOf(value: Buffer | string | null): string {
  return value === null ? '' : value.toString().trimEnd()
}
