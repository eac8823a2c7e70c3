// What could hurt though it can be done. Read before a plan is applied.

import { type FleetSnapshot, topicKey } from '../planner/index.ts'
import { Ledger } from '../planner/ledger.ts'
import { type Dimension, dimensionInWords, dimensions } from '../planner/site.ts'
import { bytesPerSecond, count } from '../planner/words.ts'
import type { FleetChanges, Kind } from './changes.ts'
import { retentionMs } from './impossible.ts'
import type { TenantDocument, TopicDocument, World } from './world.ts'

export type Risks = ReadonlyMap<string, readonly string[]>

export const riskKey = (kind: Kind, name: string): string => `${kind} ${name}`

/** `planned` has the new topics and the moves in it. */
export function risksOf(world: World, changes: FleetChanges, planned: FleetSnapshot): Risks {
  const risks = new Map<string, string[]>()
  const add = (kind: Kind, name: string, risk: string) => {
    const key = riskKey(kind, name)
    const known = risks.get(key)
    if (known === undefined) risks.set(key, [risk])
    else known.push(risk)
  }

  for (const each of changes.topic.remove) {
    add('topic', topicKey(each), `its ${count(each.partitions, 'partition')} are deleted with all their data`)
  }
  for (const { before, after } of changes.topic.update) {
    for (const risk of topicRisks(before, after)) add('topic', topicKey(after), risk)
  }
  for (const { before, after } of changes.sla.update) {
    const factor = [before, after].map(({ durability }) => durability.replicationFactor)
    if (factor[0] !== factor[1]) {
      const risk = `topics that are there keep replication factor ${factor[0]}: it cannot be changed while they live`
      add('sla', after.name, risk)
    }
  }
  for (const [name, risk] of fullClusters(changes, planned)) add('cluster', name, risk)
  for (const [kind, name, risk] of quotaRisks(world, changes)) add(kind, name, risk)
  return risks
}

function topicRisks(before: TopicDocument, after: TopicDocument): string[] {
  const risks: string[] = []
  if (after.partitions > before.partitions) {
    risks.push('records of one key may go to another partition than before')
  }
  const keptMs = [before, after].map(retentionMs)
  if (after.configs['retention.ms'] !== before.configs['retention.ms']) {
    if (keptMs[0] === undefined || keptMs[1] === undefined) {
      risks.push('its retention changes: where it becomes shorter, older data is deleted')
    } else if (keptMs[1] < keptMs[0]) {
      risks.push(`its retention becomes shorter: data older than ${keptMs[1]} ms is deleted`)
    }
  }
  if (after.configs['cleanup.policy'] !== before.configs['cleanup.policy']) {
    risks.push('its cleanup.policy changes: data may be deleted, and a compacted topic cannot be moved')
  }
  return risks
}

/** A capacity that becomes less than what is there already. */
function fullClusters({ cluster }: FleetChanges, planned: FleetSnapshot): [string, string][] {
  if (cluster.update.length === 0) return []
  const ledger = new Ledger(planned)
  return cluster.update.flatMap(({ before, after }) =>
    dimensions.flatMap((dimension): [string, string][] => {
      const limit = after.capacity[dimension]
      const load = ledger.site(after.name)?.live[dimension] ?? 0
      if (limit === null || limit === before.capacity[dimension] || load <= limit) return []
      const risk = `it carries ${amount(dimension, load)} of ${dimensionInWords[dimension]}, above the ${amount(dimension, limit)} that it shall have: it takes no further topics, and those that are there stay`
      return [[after.name, risk]]
    }),
  )
}

const amount = (dimension: Dimension, n: number): string =>
  dimension === 'partitions' ? String(n) : bytesPerSecond(n)

/** Quotas bind owners, not whoever applies a file; that one should know. */
function quotaRisks({ declared }: World, { tenant, topic }: FleetChanges): [Kind, string, string][] {
  const risks: [Kind, string, string][] = []
  const used = new Map<string, Usage>()
  const usageOf = (name: string): Usage => {
    const known = used.get(name) ?? { topicsMax: 0, partitionsMax: 0, bytesInPerSecondMax: 0 }
    used.set(name, known)
    return known
  }
  const created = new Set(topic.create)
  for (const each of topic.all.values()) if (!created.has(each)) addTo(usageOf(each.tenant), each)
  const quotasBefore = new Map(declared.tenants.map(({ name, quotas }) => [name, quotas]))
  for (const { after } of tenant.update) {
    for (const quota of quotas) {
      const limit = after.quotas[quota]
      const usage = usageOf(after.name)[quota]
      if (limit === null || limit === quotasBefore.get(after.name)?.[quota] || usage <= limit) continue
      const risk = `it has ${said(quota, usage)}, above the ${said(quota, limit)} that it shall have: what is there stays, its owners get no more`
      risks.push(['tenant', after.name, risk])
    }
  }
  for (const each of topic.create) {
    const usage = usageOf(each.tenant)
    const limits: TenantDocument['quotas'] | undefined = tenant.all.get(each.tenant)?.quotas
    const within = quotas.filter((quota) => usage[quota] <= (limits?.[quota] ?? usage[quota]))
    addTo(usage, each)
    for (const quota of within) {
      const limit = limits?.[quota] ?? null
      if (limit === null || usage[quota] <= limit) continue
      const risk = `with it tenant ${each.tenant} is beyond its quota: ${said(quota, usage[quota])}, and ${said(quota, limit)} allowed`
      risks.push(['topic', topicKey(each), risk])
    }
  }
  return risks
}

type Quota = keyof TenantDocument['quotas']
type Usage = Record<Quota, number>

const quotas: readonly Quota[] = ['topicsMax', 'partitionsMax', 'bytesInPerSecondMax']

function said(quota: Quota, n: number): string {
  if (quota === 'topicsMax') return count(n, 'topic')
  return quota === 'partitionsMax' ? count(n, 'partition') : `${bytesPerSecond(n)} of bytes in`
}

function addTo(usage: Usage, { partitions, expected }: TopicDocument): void {
  usage.topicsMax += 1
  usage.partitionsMax += partitions
  usage.bytesInPerSecondMax += expected.bytesInPerSecond
}
