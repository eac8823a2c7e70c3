// What a file asks to be made, changed and taken away, kind by kind, before anybody asks whether that can be.
import { defaultTenant, type Fleet } from '@braid/control-api'
import { byText, topicKey } from '../planner/fleet.ts'
import { canonicalFleet, differences } from './document.ts'
import type { ClusterDocument, SlaDocument, TenantDocument, TopicDocument, World } from './world.ts'

export type Kind = 'cluster' | 'sla' | 'tenant' | 'topic'

export interface Changes<T> {
  readonly create: readonly T[]
  readonly update: readonly { readonly before: T; readonly after: T }[]
  readonly remove: readonly T[]
  /** In the world, not in the file, and left alone. */
  readonly unnamed: readonly T[]
  /** All that there will be. */
  readonly all: ReadonlyMap<string, T>
}

export interface FleetChanges {
  readonly cluster: Changes<ClusterDocument>
  readonly sla: Changes<SlaDocument>
  readonly tenant: Changes<TenantDocument>
  readonly topic: Changes<TopicDocument>
}

export function changesOf({ declared }: World, file: Fleet, { prune }: { prune: boolean }): FleetChanges {
  const before = canonicalFleet(declared)
  const after = canonicalFleet(withDefaultTenant(file, before))
  return {
    cluster: compare(before.clusters, after.clusters, ({ name }) => name, prune),
    sla: compare(before.slas, after.slas, ({ name }) => name, prune),
    tenant: compare(before.tenants, after.tenants, ({ name }) => name, prune),
    topic: compare(before.topics, after.topics, topicKey, prune),
  }
}

/** The first cluster is home of the default tenant, declared as it is registered. */
function withDefaultTenant(file: Fleet, before: Fleet): Fleet {
  const isThere = [...before.tenants, ...file.tenants].some(({ name }) => name === defaultTenant)
  const [home] = file.clusters.filter(({ tier }) => tier === 'shared')
  if (isThere || before.clusters.length > 0 || home === undefined) return file
  const tenant: TenantDocument = {
    name: defaultTenant,
    home: home.name,
    standbyHome: null,
    quotas: { topicsMax: null, partitionsMax: null, bytesInPerSecondMax: null },
    policy: { slas: null, partitionsPerTopicMax: null, retentionMaxMs: null, topicPrefix: null },
    owners: [],
    approvers: [],
  }
  return { ...file, tenants: [...file.tenants, tenant] }
}

function compare<T extends object>(
  before: readonly T[],
  after: readonly T[],
  key: (item: T) => string,
  prune: boolean,
): Changes<T> {
  const wanted = new Map(after.map((item) => [key(item), item]))
  const known = new Map(before.map((item) => [key(item), item]))
  const rest = before.filter((item) => !wanted.has(key(item)))
  const stays = prune ? [] : rest
  return {
    create: after.filter((item) => !known.has(key(item))),
    update: after.flatMap((item) => {
      const was = known.get(key(item))
      return was !== undefined && differences(was, item).length > 0 ? [{ before: was, after: item }] : []
    }),
    remove: prune ? rest : [],
    unnamed: stays,
    all: new Map(
      [...stays, ...after].map((item) => [key(item), item] as const).sort(([a], [b]) => byText(a, b)),
    ),
  }
}
