/** A real cluster, as access points need to know it. */
export interface ClusterRoute {
  readonly name: string
  /** Small and stable, 1 to 9999, never given to another cluster: it is part of the node ids clients see. */
  readonly number: number
  /** `host:port` of some brokers. */
  readonly bootstrap: readonly string[]
}

export const CLUSTER_NUMBER_MAX = 9_999
