import type { KafkaCluster } from '../clusters/cluster.ts'
import { Link } from './link.ts'

/** Links between one process and every broker of some clusters. The process has to be told of its detours. */
export class ClusterLinks {
  /** By a broker's address: its link's. */
  readonly detours: Readonly<Record<string, string>>
  readonly #byCluster: ReadonlyMap<string, readonly Link[]>

  static async open(clusters: readonly KafkaCluster[]): Promise<ClusterLinks> {
    const detours: Record<string, string> = {}
    const byCluster = new Map<string, Link[]>()
    for (const { name, brokers } of clusters) {
      const links = await Promise.all(brokers.map(({ address }) => Link.open({ to: address })))
      byCluster.set(name, links)
      brokers.forEach(({ address }, index) => {
        detours[address] = links[index]!.address
      })
    }
    return new ClusterLinks(detours, byCluster)
  }

  private constructor(detours: ClusterLinks['detours'], byCluster: ReadonlyMap<string, readonly Link[]>) {
    this.detours = detours
    this.#byCluster = byCluster
  }

  cut(cluster: string, how: 'silent' | 'reset' = 'silent'): void {
    for (const link of this.#of(cluster)) link.cut(how)
  }

  mend(cluster: string): void {
    for (const link of this.#of(cluster)) link.mend()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byCluster.values()].flat().map((link) => link.close()))
  }

  #of(cluster: string): readonly Link[] {
    const links = this.#byCluster.get(cluster)
    if (links === undefined) throw new Error(`there is no link to cluster ${cluster}`)
    return links
  }
}
