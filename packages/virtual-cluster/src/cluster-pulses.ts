import type { ClusterSighting } from '@braid/control-api'
import { type ClusterRoute, type RouteTable, sameConnection } from '@braid/routing-model'
import { ClusterPulse, notLookedAt, type PulseConnections } from './cluster-pulse.ts'
import { type Log, silent } from './log.ts'

/** How clusters are seen from this process. */
export interface ClusterSightings {
  of(cluster: string): ClusterSighting
  /** Calls the listener when a cluster is seen up or down, until the function that it answers is called. */
  onChange(listener: (cluster: string) => void): () => void
}

/** Where nobody looks. */
export const noSightings: ClusterSightings = { of: notLookedAt, onChange: () => () => {} }

export interface PulsesOptions {
  /** Whose clusters are looked at. */
  readonly tenant: string
  readonly connect: (cluster: ClusterRoute) => PulseConnections
  /** ms of a clock that never goes back */
  readonly now: () => number
  readonly log?: Log | undefined
}

/** Many changes of routes come at once: which clusters to look at is worked out after so long. */
const FOLLOW_AFTER_MS = 100

/** A pulse for each cluster that the tenant has something on. */
export class ClusterPulses implements ClusterSightings {
  readonly #options: PulsesOptions
  readonly #log: Log
  readonly #pulses = new Map<string, { readonly route: ClusterRoute; readonly pulse: ClusterPulse }>()
  readonly #listeners = new Set<(cluster: string) => void>()
  #coming: RouteTable | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: PulsesOptions, routes: RouteTable) {
    this.#options = options
    this.#log = options.log ?? silent
    this.#follow(routes)
  }

  of(cluster: string): ClusterSighting {
    return this.#pulses.get(cluster)?.pulse.sighting ?? notLookedAt()
  }

  /** Every cluster that is looked at. */
  all(): Record<string, ClusterSighting> {
    return Object.fromEntries(Array.from(this.#pulses, ([name, { pulse }]) => [name, pulse.sighting]))
  }

  onChange(listener: (cluster: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The routes have changed. */
  routed(routes: RouteTable): void {
    this.#coming = routes
    if (this.#timer !== undefined || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#follow(this.#coming!)
    }, FOLLOW_AFTER_MS)
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const closing = Array.from(this.#pulses.values(), ({ pulse }) => pulse.close())
    this.#pulses.clear()
    this.#listeners.clear()
    await Promise.allSettled(closing)
  }

  #follow(routes: RouteTable): void {
    const wanted = clustersOf(routes, this.#options.tenant)
    for (const [name, { route, pulse }] of this.#pulses) {
      const now = routes.clusters.get(name)
      if (wanted.has(name) && now !== undefined && sameConnection(now, route)) continue
      this.#pulses.delete(name)
      pulse.close().catch(() => {})
    }
    for (const name of wanted) {
      const route = routes.clusters.get(name)
      if (route === undefined || this.#pulses.has(name)) continue
      const pulse = new ClusterPulse({
        connections: this.#options.connect(route),
        now: this.#options.now,
        onChange: (sighting, before) => this.#changed(name, sighting, before),
      })
      this.#pulses.set(name, { route, pulse })
    }
  }

  #changed(cluster: string, { state, detail }: ClusterSighting, before: ClusterSighting): void {
    if (state === 'down') this.#log('warn', 'cluster-down', { cluster, why: detail })
    else if (before.state === 'down') this.#log('info', 'cluster-up', { cluster, downMs: before.forMs })
    for (const listener of [...this.#listeners]) listener(cluster)
  }
}

/** Where the tenant's topics are, were or will be, and where its groups live and would go. */
export function clustersOf(routes: RouteTable, tenant: string): Set<string> {
  const clusters = new Set<string>()
  const route = routes.tenants.get(tenant)
  if (route !== undefined) clusters.add(route.home)
  if (route?.standbyHome !== undefined) clusters.add(route.standbyHome)
  for (const topic of routes.topics(tenant)) {
    for (let index = 0; index <= topic.active; index++) clusters.add(topic.cluster(index))
    if (topic.prepared !== undefined) clusters.add(topic.prepared.cluster)
  }
  return clusters
}
