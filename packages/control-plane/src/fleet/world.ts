// What is, as far as a fleet file can speak of it: what was declared, and what the planner sees of it.
import type { Fleet } from '@braid/control-api'
import type { FleetSnapshot } from '../planner/index.ts'

export type ClusterDocument = Fleet['clusters'][number]
export type SlaDocument = Fleet['slas'][number]
export type TenantDocument = Fleet['tenants'][number]
export type TopicDocument = Fleet['topics'][number]

export interface World {
  readonly declared: Fleet
  readonly snapshot: FleetSnapshot
  /** The id that each registered cluster gave itself when it was formatted. */
  readonly clusterIds: ReadonlyMap<string, string>
  /** As they are declared; the planner also takes one that does not answer for unavailable. */
  readonly clusterStates: ReadonlyMap<string, string>
  /** By topicKey: the clusters that any loglet of its chain is on, and where its stub is. */
  readonly chains: ReadonlyMap<string, readonly string[]>
}

/** What a cluster answered that a file names, and that is new or at new addresses. */
export type Reached =
  | {
      readonly kind: 'reached'
      readonly clusterId: string
      readonly brokers: number
      readonly partitions: number
    }
  | { readonly kind: 'not-reached'; readonly reason: string }
