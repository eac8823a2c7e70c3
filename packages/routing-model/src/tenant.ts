export interface TenantRoute {
  readonly name: string
  /** The cluster that coordinates the tenant's groups. */
  readonly home: string
}
