import { nodeId, type RouteTable } from '@braid/routing-model'
import type { ListenerAddress, Listeners } from '@braid/virtual-cluster'

/** What clients are told of listeners: this access point's own, then those of all others. */
export class OwnListeners implements Listeners {
  readonly #id: string
  #number: number
  #table: RouteTable
  readonly #own = new Map<string, { host: string; port: number }>()

  constructor(id: string, number: number, table: RouteTable) {
    this.#id = id
    this.#number = number
    this.#table = table
  }

  opened(cluster: string, address: { host: string; port: number }): void {
    this.#own.set(cluster, address)
  }

  closed(cluster: string): void {
    this.#own.delete(cluster)
  }

  has(cluster: string): boolean {
    return this.#own.has(cluster)
  }

  /** The number that the control plane keeps for this access point. */
  numbered(number: number): void {
    this.#number = number
  }

  routed(table: RouteTable): void {
    this.#table = table
  }

  addresses(): Record<string, string> {
    return Object.fromEntries([...this.#own].map(([cluster, { host, port }]) => [cluster, `${host}:${port}`]))
  }

  towards(cluster: string): ListenerAddress | undefined {
    const address = this.#own.get(cluster)
    const route = this.#table.clusters.get(cluster)
    if (address === undefined || route === undefined) return undefined
    return { nodeId: nodeId(this.#number, route.number), ...address }
  }

  all(): readonly ListenerAddress[] {
    const listeners: ListenerAddress[] = []
    for (const cluster of this.#own.keys()) {
      const own = this.towards(cluster)
      if (own !== undefined) listeners.push(own)
    }
    for (const accessPoint of this.#table.accessPoints.values()) {
      if (accessPoint.id === this.#id) continue
      for (const [cluster, address] of Object.entries(accessPoint.listeners)) {
        const route = this.#table.clusters.get(cluster)
        if (route === undefined) continue
        const colon = address.lastIndexOf(':')
        listeners.push({
          nodeId: nodeId(accessPoint.number, route.number),
          host: address.slice(0, colon),
          port: Number(address.slice(colon + 1)),
        })
      }
    }
    return listeners
  }
}
