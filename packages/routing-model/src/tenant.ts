export interface TenantRoute {
  readonly name: string
  /** The cluster that coordinates the tenant's groups. */
  readonly home: string
  /** Where commits are mirrored to, and the groups go on when home is lost. Absent: nowhere. */
  readonly standbyHome?: string | undefined
}
