// What a tenant's owners may have without asking: its policy, compared with a wish. Quotas are in tenants/quota.ts.
import type { TopicRequest } from '@braid/control-api'
import type { TenantRow } from '../store/tenant-queries.ts'

export type Wish = Pick<TopicRequest['topic'], 'name' | 'partitions' | 'sla' | 'configs'>

/** A sentence for each rule that it does not keep to. */
export function beyondPolicy(
  policy: TenantRow['policy'],
  { name, partitions, sla = null, configs }: Wish,
): string[] {
  const broken: string[] = []
  const { slas, partitionsPerTopicMax, retentionMaxMs, topicPrefix } = policy
  if (slas !== null && sla !== null && !slas.includes(sla)) {
    const free = slas.length === 0 ? 'none' : slas.join(', ')
    broken.push(`class ${sla} is asked for, and free to take are ${free}`)
  }
  if (partitionsPerTopicMax !== null && partitions > partitionsPerTopicMax) {
    broken.push(
      `${partitions} partitions are asked for, and ${partitionsPerTopicMax} a topic are free to take`,
    )
  }
  const retention = configs?.['retention.ms']
  if (retentionMaxMs !== null && retention !== undefined) {
    const ms = retention === '-1' ? Number.POSITIVE_INFINITY : Number(retention)
    if (!(ms <= retentionMaxMs)) {
      broken.push(`retention.ms=${retention} is asked for, and up to ${retentionMaxMs} is free to take`)
    }
  }
  if (topicPrefix !== null && !name.startsWith(topicPrefix)) {
    broken.push(`the topic is called ${name}, and names that are free to take start with ${topicPrefix}`)
  }
  return broken
}
