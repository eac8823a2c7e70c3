import { Refusal } from '../refusal.ts'
import type { Store } from '../store/store.ts'

/** What a topic takes of its tenant's quotas. */
export interface Taken {
  /** 1 when absent. */
  readonly topics?: number
  readonly partitions: number
  readonly expected: { readonly bytesInPerSecond: number }
}

/** What a topic would take beyond the quotas, in words; `before`: what it takes already. */
export async function beyondQuota(
  store: Store,
  tenant: string,
  after: Taken,
  before?: Taken,
): Promise<string[]> {
  const spec = await store.tenantSpecs.get(tenant)
  if (spec === undefined) return []
  const usage = await store.tenantSpecs.usage(tenant)
  const { quotas } = spec
  const checks: [of: string, used: number, more: number, max: number | null][] = [
    ['topics', usage.topics, before === undefined ? (after.topics ?? 1) : 0, quotas.topicsMax],
    ['partitions', usage.partitions, after.partitions - (before?.partitions ?? 0), quotas.partitionsMax],
    [
      'bytes in per second',
      usage.bytesInPerSecond,
      after.expected.bytesInPerSecond - (before?.expected.bytesInPerSecond ?? 0),
      quotas.bytesInPerSecondMax,
    ],
  ]
  return checks.flatMap(([of, used, more, max]) =>
    max !== null && more > 0 && used + more > max
      ? [`${more} more ${more === 1 ? of.replace(/s$/, '') : of}: ${used} of at most ${max} are used`]
      : [],
  )
}

/** Whether the tenant has more than its quotas of what was just added, in this transaction. */
export async function isOverQuota(store: Store, tenant: string, added: Taken): Promise<boolean> {
  const spec = await store.tenantSpecs.get(tenant)
  if (spec === undefined) return false
  const { topicsMax, partitionsMax, bytesInPerSecondMax } = spec.quotas
  const { topics, partitions, bytesInPerSecond } = await store.tenantSpecs.usage(tenant)
  return (
    topics > (topicsMax ?? topics) ||
    partitions > (partitionsMax ?? partitions) ||
    (added.expected.bytesInPerSecond > 0 && bytesInPerSecond > (bytesInPerSecondMax ?? bytesInPerSecond))
  )
}

export async function checkQuota(store: Store, tenant: string, after: Taken, before?: Taken): Promise<void> {
  const beyond = await beyondQuota(store, tenant, after, before)
  if (beyond.length === 0) return
  throw new Refusal(
    'QUOTA_EXCEEDED',
    `beyond the quota of tenant ${tenant}: ${beyond.join('; ')}; ask for it with a request, or for a larger quota`,
  )
}
