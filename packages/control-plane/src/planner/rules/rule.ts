import type { Demand } from '../demand.ts'
import type { Site } from '../site.ts'

/** What a cluster would be to a topic. */
export type Role = 'active' | 'standby' | 'replica'

/** May this topic have this part of it there? Asked while the topic is out of the ledger's sums. */
export interface Ask {
  readonly role: Role
  readonly demand: Demand
  /** The cluster that has the part now: what it has, it need not be active to keep. */
  readonly incumbent: string | null
  /** Of a standby: the cluster it stands by for. */
  readonly primary: Site | null
  /** The tenant's home, where the stub goes. */
  readonly home: Site | null
  /** Of a standby: the cluster that has the stub by then, which a standby there must leave room for. */
  readonly stub: string | null
  /** Of a replica: how many read there. */
  readonly readers: number
}

/** What must never be broken. `holds` is asked millions of times; the words are made for the few that are shown. */
export interface HardRule {
  readonly name: string
  readonly roles: readonly Role[]
  /** Whether it is about room, which can be made; else about what the cluster is. */
  readonly room: boolean
  holds(ask: Ask, site: Site): boolean
  /** Why this cluster may not, as the end of `eu-1: ...`. */
  because(ask: Ask, site: Site): string
  /** The same of every cluster that was left, as a sentence about all of them. */
  nobody(ask: Ask, kind: string): string
  /** What would help. */
  help(ask: Ask, kind: string): string
}

export const labelHolds = (site: Site, labels: Demand['labels']): boolean => {
  for (const [key, value] of labels) if (site.cluster.labels[key] !== value) return false
  return true
}
