import { ClusterConnections, type ConnectionOptions } from '@braid/kafka-connection'
import { type ClusterRoute, type RouteTable, sameConnection } from '@braid/routing-model'

/** Looks clusters up by name; undefined for one that the routes do not name, or that need not be asked now. */
export type Clusters = (name: string) => ClusterConnections | undefined

/** For questions about many topics: one that is late is left out of a round. */
export const questionBounds = {
  connectTimeoutMs: 3_000,
  requestTimeoutMs: 5_000,
  lookupTimeoutMs: 3_000,
  metadataTimeoutMs: 3_000,
  unknownTopicTimeoutMs: 500,
  backoffMaxMs: 500,
} as const satisfies Partial<ConnectionOptions>

/** For a check each second: what takes longer has failed. */
export const checkBounds = {
  connectTimeoutMs: 1_000,
  requestTimeoutMs: 1_000,
  lookupTimeoutMs: 1_000,
  metadataTimeoutMs: 1_000,
  unknownTopicTimeoutMs: 200,
  backoffMaxMs: 200,
} as const satisfies Partial<ConnectionOptions>

/** Connections to every cluster of the routes, opened when they are first asked for. */
export class ClusterSet {
  readonly #options: Partial<ConnectionOptions>
  readonly #open = new Map<
    string,
    { readonly route: ClusterRoute; readonly connections: ClusterConnections }
  >()
  #routes: ReadonlyMap<string, ClusterRoute> = new Map()

  constructor(options: Partial<ConnectionOptions>) {
    this.#options = options
  }

  follow({ clusters }: RouteTable): void {
    this.#routes = new Map(clusters)
    for (const [name, { route, connections }] of this.#open) {
      const now = clusters.get(name)
      if (now !== undefined && sameConnection(now, route)) continue
      this.#open.delete(name)
      void connections.close()
    }
  }

  get names(): string[] {
    return [...this.#routes.keys()]
  }

  readonly get: Clusters = (name) => {
    const known = this.#open.get(name)
    if (known !== undefined) return known.connections
    const route = this.#routes.get(name)
    if (route === undefined) return undefined
    const { bootstrap, security } = route
    const connections = new ClusterConnections({ name, bootstrap }, { ...this.#options, security })
    this.#open.set(name, { route, connections })
    return connections
  }

  async close(): Promise<void> {
    this.#routes = new Map()
    const all = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(all.map(({ connections }) => connections.close()))
  }
}
