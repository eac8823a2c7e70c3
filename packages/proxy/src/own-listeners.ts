import {
  type AccessPointRoute,
  type Address,
  formatAddress,
  nodeId,
  parseAddress,
  type RouteTable,
} from '@braid/routing-model'
import type { ListenerAddress, Listeners } from '@braid/virtual-cluster'

/** What clients are told of listeners: this access point's own, then those of all others. */
export class OwnListeners implements Listeners {
  readonly #id: string
  #number: number
  #table: RouteTable
  #turn = 0
  readonly #own = new Map<string, Address>()

  constructor(id: string, number: number, table: RouteTable) {
    this.#id = id
    this.#number = number
    this.#table = table
  }

  opened(cluster: string, address: Address): void {
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
    return Object.fromEntries([...this.#own].map(([cluster, address]) => [cluster, formatAddress(address)]))
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
    for (const accessPoint of this.#others()) {
      for (const cluster of Object.keys(accessPoint.listeners)) {
        const listener = this.#listenerOf(accessPoint, cluster)
        if (listener !== undefined) listeners.push(listener)
      }
    }
    return listeners
  }

  /** In turns: one of them may be in the same trouble. */
  elsewhere(cluster: string): ListenerAddress | undefined {
    const listeners = this.#others()
      .map((accessPoint) => this.#listenerOf(accessPoint, cluster))
      .filter((listener) => listener !== undefined)
    return listeners.length === 0 ? undefined : listeners[this.#turn++ % listeners.length]
  }

  #others(): AccessPointRoute[] {
    return [...this.#table.accessPoints.values()].filter(({ id }) => id !== this.#id)
  }

  #listenerOf({ number, listeners }: AccessPointRoute, cluster: string): ListenerAddress | undefined {
    const address = parseAddress(listeners[cluster] ?? '')
    const route = this.#table.clusters.get(cluster)
    if (address === undefined || route === undefined) return undefined
    return { nodeId: nodeId(number, route.number), ...address }
  }
}
