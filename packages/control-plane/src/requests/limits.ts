// What a tenant may have without asking anybody: a pure comparison of a wish with quotas and policy.
import type { TopicRequest } from '@braid/control-api'
import { bytesPerSecond } from '../planner/words.ts'

type Quotas = {
  readonly topicsMax: number | null
  readonly partitionsMax: number | null
  readonly bytesInPerSecondMax: number | null
}
type Policy = {
  readonly slas: readonly string[] | null
  readonly partitionsPerTopicMax: number | null
  readonly retentionMaxMs: number | null
  readonly topicPrefix: string | null
}

export interface Usage {
  readonly topics: number
  readonly partitions: number
  /** Of what its topics expect. */
  readonly bytesInPerSecond: number
}

export type Wish = Pick<TopicRequest['topic'], 'name' | 'partitions' | 'sla' | 'configs'> & {
  readonly expected: { readonly bytesInPerSecond: number }
}

export const noUsage: Usage = { topics: 0, partitions: 0, bytesInPerSecond: 0 }

export const usageOf = ({ partitions, expected }: Pick<Wish, 'partitions' | 'expected'>): Usage => ({
  topics: 1,
  partitions,
  bytesInPerSecond: expected.bytesInPerSecond,
})

export const sumOf = (usages: readonly Usage[]): Usage =>
  usages.reduce(
    (sum, each) => ({
      topics: sum.topics + each.topics,
      partitions: sum.partitions + each.partitions,
      bytesInPerSecond: sum.bytesInPerSecond + each.bytesInPerSecond,
    }),
    noUsage,
  )

/** A sentence for each quota that would be exceeded, with the numbers. `more` is what would be added. */
export function beyondQuotas(quotas: Quotas, usage: Usage, more: Usage): string[] {
  return quotaTable.flatMap(({ quota, measure, words, amount }) => {
    const limit = quotas[quota]
    const after = usage[measure] + more[measure]
    // What shrinks is never refused, also where the quota was lowered below what is there.
    if (limit === null || after <= limit || more[measure] <= 0) return []
    return [
      `the quota of ${amount(limit)} ${words}: ${amount(usage[measure])} in use, ${amount(more[measure])} more would be ${amount(after)}`,
    ]
  })
}

const quotaTable = [
  { quota: 'topicsMax', measure: 'topics', words: 'topics', amount: String },
  { quota: 'partitionsMax', measure: 'partitions', words: 'partitions', amount: String },
  {
    quota: 'bytesInPerSecondMax',
    measure: 'bytesInPerSecond',
    words: 'of bytes in',
    amount: bytesPerSecond,
  },
] as const

/** A sentence for each rule that it does not keep to. */
export function beyondPolicy(policy: Policy, { name, partitions, sla, configs }: Wish): string[] {
  const broken: string[] = []
  const { slas, partitionsPerTopicMax, retentionMaxMs, topicPrefix } = policy
  if (slas !== null && sla !== null && !slas.includes(sla)) {
    const free = slas.length === 0 ? 'none' : slas.join(', ')
    broken.push(`the rule about SLA classes: ${sla} is asked for, free to take are ${free}`)
  }
  if (partitionsPerTopicMax !== null && partitions > partitionsPerTopicMax) {
    broken.push(`the rule of ${partitionsPerTopicMax} partitions a topic: ${partitions} are asked for`)
  }
  const retention = configs?.['retention.ms']
  if (retentionMaxMs !== null && retention !== undefined) {
    const ms = retention === '-1' ? Number.POSITIVE_INFINITY : Number(retention)
    if (!(ms <= retentionMaxMs)) {
      broken.push(`the rule of retention.ms up to ${retentionMaxMs}: ${retention} is asked for`)
    }
  }
  if (topicPrefix !== null && !name.startsWith(topicPrefix)) {
    broken.push(`the rule that names start with ${topicPrefix}: the topic is called ${name}`)
  }
  return broken
}
