import type { RouteTable } from '@braid/routing-model'
import { type Check, producedWithin } from '../canary/checks.ts'
import type { BurnRates } from './burn-rates.ts'

/** Which checks say something about which tenant: those of its home, of the clusters that it writes to, of all listeners. */
export class TenantChecks {
  readonly #rates: BurnRates
  readonly #produceMaxMs: number
  readonly #now: () => number
  #byCluster = new Map<string, readonly string[]>()
  #tenants: readonly string[] = []

  constructor(rates: BurnRates, produceMaxMs: number, now: () => number) {
    this.#rates = rates
    this.#produceMaxMs = produceMaxMs
    this.#now = now
  }

  follow(table: RouteTable): void {
    this.#tenants = [...table.tenants.keys()]
    this.#rates.forgetAllBut(new Set(this.#tenants))
    const byCluster = new Map<string, string[]>()
    for (const { name, home } of table.tenants.values()) {
      const clusters = new Set([home])
      for (const route of table.topics(name)) clusters.add(route.cluster(route.active))
      for (const cluster of clusters) {
        const known = byCluster.get(cluster)
        if (known === undefined) byCluster.set(cluster, [name])
        else known.push(name)
      }
    }
    this.#byCluster = byCluster
  }

  readonly took = (check: Check): void => {
    const good = check.ok && producedWithin(check, this.#produceMaxMs)
    const { source } = check
    const concerned = source.kind === 'cluster' ? (this.#byCluster.get(source.cluster) ?? []) : this.#tenants
    const nowMs = this.#now()
    for (const tenant of concerned) this.#rates.add(tenant, nowMs, good ? 1 : 0, good ? 0 : 1)
  }
}
