// What the store holds, as the rest of the control plane sees it: parsed, with names in camel case.
import type { ClusterState, ClusterTier, MigrationState, MigrationStepName } from '@braid/control-api'
import type { ClusterSecurity, PhysicalTopic } from '@braid/routing-model'

export interface ClusterRow {
  readonly name: string
  readonly number: number
  readonly bootstrap: readonly string[]
  readonly clusterId: string
  /** Of partitions, each counted once and not once per replica. */
  readonly partitionsMax: number | null
  readonly bytesInMax: number | null
  readonly bytesOutMax: number | null
  readonly tier: ClusterTier
  /** The tenant of a dedicated cluster. */
  readonly dedicatedTo: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly state: ClusterState
  /** Topics that fail over are not written there. */
  readonly fenced: boolean
  /** Null: plaintext, nobody is asked who they are. */
  readonly security: ClusterSecurity | null
  readonly registeredAt: number
}

export interface MigrationRow {
  readonly id: string
  /** Of the saga up to the SWITCH, which the migrations of a group share; the id of the first of them. */
  readonly group: string
  /** The drain, rebalance or apply that it is part of. */
  readonly operation: string | null
  readonly tenant: string
  readonly topic: string
  readonly topicId: string
  readonly from: PhysicalTopic
  readonly to: PhysicalTopic
  readonly state: MigrationState
  readonly step: MigrationStepName
  readonly cancelRequested: boolean
  readonly pauseRequested: boolean
  /** `value` null: there was no override of max.message.bytes. Undefined until it was read. */
  readonly overrideBeforeSeal: { readonly value: string | null } | undefined
  readonly sealMs: number | null
  readonly switchMs: number | null
  readonly switchedAt: number | null
  readonly cuts: readonly bigint[] | null
  readonly routeVersion: number | null
  readonly error: { readonly code: string; readonly detail: string } | null
  readonly createdAt: number
  /** Of the record and of its sagas: any change raises it. */
  readonly revision: number
}

/**
 *     running ──> done
 *        v
 *     undoing ──> undone ──retry──> running, in the next round
 */
export type SagaState = 'running' | 'undoing' | 'done' | 'undone'

export interface SagaRow {
  readonly id: string
  readonly kind: string
  readonly state: SagaState
  /** That it is in, or ended in. */
  readonly step: string
  readonly round: number
  readonly cancelRequested: boolean
  readonly pauseRequested: boolean
  /** It goes back, or went, because somebody wished it. */
  readonly cancelled: boolean
  /** Why it goes back, or went. */
  readonly error: string | null
  readonly createdAt: number
  readonly revision: number
}

/** One attempt of a saga at a step. */
export interface AttemptRow {
  readonly number: number
  readonly round: number
  readonly step: string
  readonly direction: 'do' | 'undo'
  readonly attempt: number
  readonly startedAt: number
  readonly endedAt: number | null
  readonly error: string | null
}

export interface StrayRow {
  readonly partition: number
  /** Physical offsets in the sealed loglet: [from, to) are strays, those below `recovered` are dealt with. */
  readonly from: bigint
  readonly to: bigint
  readonly recovered: bigint
  readonly producerId: bigint
  readonly nextSequence: number
  /** A copy that was about to be appended: all below `to`, physical, and the sequence after it. Null: none was. */
  readonly inDoubt: { readonly to: bigint; readonly nextSequence: number } | null
  readonly seenAt: number
}

export interface AccessPointRow {
  readonly id: string
  readonly number: number
  readonly bootstrap: string
  readonly listeners: Readonly<Record<string, string>>
  readonly present: boolean
}

export interface LeftoverRow extends PhysicalTopic {
  readonly recordedAt: number
}

export interface LeaderRow {
  /** Of the process; its url is where other control planes reach it. */
  readonly id: string
  readonly url: string
  readonly term: number
  readonly since: number
}
