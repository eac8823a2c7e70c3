import type { MonitorReport } from '@braid/control-api'
import type { RouteTable } from '@braid/routing-model'
import type { ClusterSet } from '../clusters/cluster-set.ts'
import type { Find } from '../findings.ts'
import type { Log } from '../log.ts'
import type { OnCheck } from './checks.ts'
import { ClusterCanary } from './cluster-canary.ts'

export interface ClusterCanariesParts {
  readonly pulses: ClusterSet
  readonly records: ClusterSet
  readonly onCheck: OnCheck
  readonly find: Find
  readonly log: Log
  /** Monotonic, ms. */
  readonly now: () => number
  readonly timeoutMs: number
}

/** A canary for every cluster of the routes. */
export class ClusterCanaries {
  readonly #parts: ClusterCanariesParts
  readonly #canaries = new Map<string, ClusterCanary>()
  readonly #told = new Map<string, 'up' | 'down'>()
  /** Under way: a cluster that is slow does not hold up others, and is not asked twice at a time. */
  readonly #pulsing = new Set<string>()
  readonly #writing = new Set<string>()

  constructor(parts: ClusterCanariesParts) {
    this.#parts = parts
  }

  get all(): Iterable<ClusterCanary> {
    return this.#canaries.values()
  }

  follow({ clusters }: RouteTable): void {
    for (const name of this.#canaries.keys()) if (!clusters.has(name)) this.#canaries.delete(name)
    for (const name of this.#told.keys()) if (!clusters.has(name)) this.#told.delete(name)
    const { pulses, records, onCheck, now, log, timeoutMs } = this.#parts
    for (const name of clusters.keys()) {
      if (this.#canaries.has(name)) continue
      const parts = { onCheck, now, log, timeoutMs }
      const connections = { pulses: () => pulses.get(name), records: () => records.get(name) }
      this.#canaries.set(name, new ClusterCanary({ cluster: name, ...connections, ...parts }))
    }
  }

  pulse(): void {
    this.#each(this.#pulsing, (canary) => canary.pulse())
  }

  records(): void {
    this.#each(this.#writing, (canary) => canary.records())
  }

  /** Whether no broker answers: who asks would wait in vain, and hold up others. */
  isDown(cluster: string): boolean {
    return this.#canaries.get(cluster)?.reach === 'down'
  }

  votes(): MonitorReport['clusters'] {
    const votes = Object.fromEntries([...this.#canaries].map(([name, { vote }]) => [name, vote]))
    for (const [cluster, vote] of Object.entries(votes)) this.#tell(cluster, vote)
    return votes
  }

  #each(underWay: Set<string>, run: (canary: ClusterCanary) => Promise<void>): void {
    for (const canary of this.#canaries.values()) {
      if (underWay.has(canary.name)) continue
      underWay.add(canary.name)
      void run(canary).finally(() => underWay.delete(canary.name))
    }
  }

  #tell(cluster: string, { state, forMs, detail: why }: MonitorReport['clusters'][string]): void {
    if (state === 'unknown' || state === (this.#told.get(cluster) ?? 'up')) return
    this.#told.set(cluster, state)
    const evidence = { forMs }
    if (state === 'down') {
      const detail = `cluster ${cluster} does not answer or takes no records: ${why}`
      this.#parts.find({ kind: 'CANARY_FAILING', severity: 'error', cluster, detail, evidence })
    } else {
      const detail = `cluster ${cluster} answers again`
      this.#parts.find({ kind: 'CANARY_WORKS', severity: 'info', cluster, detail, evidence })
    }
  }
}
