export interface ControlPlaneOptions {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly dataDir?: string | undefined
  readonly databaseFile?: string | undefined
}
export interface ControlPlane {
  readonly url: string
  close(): Promise<void>
}
export async function startControlPlane(_options: ControlPlaneOptions): Promise<ControlPlane> {
  throw new Error('not there yet')
}
