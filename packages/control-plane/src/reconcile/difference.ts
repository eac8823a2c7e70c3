import type { FailoverPolicy, PhysicalTopic } from '@braid/routing-model'

/** Every way in which a topic can differ from what it should be. An alarm is nothing that time, or we, put right. */
export const differenceCodes = {
  CLUSTER_AWAY: { alarm: false },
  CONFIG_DIFFERS: { alarm: false },
  LIMIT_DIFFERS: { alarm: false },
  PARTITIONS_MISSING: { alarm: false },
  PARTITIONS_ADDED: { alarm: false },
  STANDBY_DIFFERS: { alarm: false },
  STANDBY_HOME_DIFFERS: { alarm: false },
  FAILOVER_DIFFERS: { alarm: false },
  TOPIC_MISSING: { alarm: true },
  TOPIC_REPLACED: { alarm: true },
  ACTIVE_SEALED: { alarm: true },
  SEAL_TAKEN_OFF: { alarm: true },
  STUB_MISSING: { alarm: true },
} as const

export type DifferenceCode = keyof typeof differenceCodes

export interface Difference {
  readonly code: DifferenceCode
  /** What is there, what should be, where; and what to do when we do nothing. */
  readonly text: string
  /** Absent: nothing that is ours to do, or not now. */
  readonly mend?: Mend
}

/** What puts a difference right. */
export type Mend =
  /** Null takes an override off. */
  | {
      readonly kind: 'set-configs'
      readonly physical: PhysicalTopic
      readonly configs: Readonly<Record<string, string | null>>
    }
  /** The real limit, of the active topic and of the route. Nobody moves the topic meanwhile. */
  | { readonly kind: 'set-limit'; readonly physical: PhysicalTopic; readonly maxMessageBytes: number }
  | { readonly kind: 'seal'; readonly physical: PhysicalTopic }
  /** All physical topics of the chain first, then the route. Nobody moves the topic meanwhile. */
  | { readonly kind: 'grow'; readonly partitions: number; readonly physicals: readonly PhysicalTopic[] }
  /** One physical topic that has fewer than the route. */
  | { readonly kind: 'add-partitions'; readonly physical: PhysicalTopic; readonly partitions: number }
  | { readonly kind: 'make-stub'; readonly physical: PhysicalTopic; readonly partitions: number }
  | { readonly kind: 'make-standby'; readonly cluster: string; readonly again: PhysicalTopic | undefined }
  | { readonly kind: 'drop-standby'; readonly physical: PhysicalTopic }
  | { readonly kind: 'choose-standby' }
  | {
      readonly kind: 'make-standby-home'
      readonly cluster: string
      readonly again: PhysicalTopic | undefined
    }
  | { readonly kind: 'drop-standby-home' }
  /** In the route: access points write by it. */
  | { readonly kind: 'set-failover'; readonly failover: FailoverPolicy }
