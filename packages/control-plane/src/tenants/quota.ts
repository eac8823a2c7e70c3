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
  /** Whether the store counts it already. */
  counted = false,
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
  return checks.flatMap(([of, usedNow, more, max]) => {
    const used = counted ? usedNow - more : usedNow
    if (max === null || more <= 0 || used + more <= max) return []
    return [`${more} more ${of}: ${used} of at most ${max} are used`]
  })
}

export async function checkQuota(
  store: Store,
  tenant: string,
  after: Taken,
  before?: Taken,
  counted = false,
): Promise<void> {
  const beyond = await beyondQuota(store, tenant, after, before, counted)
  if (beyond.length === 0) return
  throw new Refusal(
    'QUOTA_EXCEEDED',
    `beyond the quota of tenant ${tenant}: ${beyond.join('; ')}; ask for it with a request, or for a larger quota`,
  )
}
