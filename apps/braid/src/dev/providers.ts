import { Failure } from '../failure.ts'

/** What `braid dev` needs of a cluster that it started. The testbed's clusters are more than this. */
export interface StartedCluster {
  readonly name: string
  readonly version: string
  readonly provider: string
  /** host:port, comma separated */
  readonly bootstrap: string
  stop(): Promise<void>
}

export interface ClusterStarter {
  startClusters(specs: readonly { name: string }[]): Promise<readonly StartedCluster[]>
}

/**
 * The testbed is no dependency of anything shipped: it is looked up when it is needed, by a name that the
 * compiler does not follow, and an installation without it says what to do instead.
 */
const optionalPackage: string = '@braid/testbed'

export async function findClusterStarter(
  load: (name: string) => Promise<unknown> = (name) => import(name),
): Promise<ClusterStarter> {
  let found: unknown
  try {
    found = await load(optionalPackage)
  } catch (cause) {
    if (!isMissing(cause)) throw cause
    throw new Failure(
      `there is nothing here to start Kafka clusters with: ${optionalPackage} is not installed`,
      {
        remedy:
          'run `braid dev --attach a=host:port,b=host:port` with clusters that you have, or run it in a checkout of the Braid repository',
        cause,
      },
    )
  }
  if (!isClusterStarter(found)) {
    throw new Failure(`${optionalPackage} has no startClusters()`, {
      remedy: 'install the version of it that belongs to this braid',
    })
  }
  return found
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'ERR_MODULE_NOT_FOUND' &&
  error.message.includes(optionalPackage)

const isClusterStarter = (found: unknown): found is ClusterStarter =>
  typeof found === 'object' &&
  found !== null &&
  'startClusters' in found &&
  typeof found.startClusters === 'function'
