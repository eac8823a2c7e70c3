// One form of the fleet as a document: sorted, complete inside, and with nothing in it that is a default outside.
import { defaultTenant, type Fleet, type FleetInput, fleet } from '@braid/control-api'
import { byText } from '../planner/fleet.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }
type JsonObject = { readonly [key: string]: Json | undefined }

/** The same fleet for every order in which it was written. Bootstrap addresses keep theirs: it is tried first to last. */
export function canonicalFleet({ version, clusters, slas, tenants, topics }: Fleet): Fleet {
  return {
    version,
    clusters: byName(clusters).map((cluster) => ({ ...cluster, labels: sortedKeys(cluster.labels) })),
    slas: byName(slas).map((sla) => ({
      ...sla,
      latency: { ...sla.latency, labels: sortedKeys(sla.latency.labels) },
    })),
    tenants: byName(tenants).map((tenant) => ({
      ...tenant,
      policy: { ...tenant.policy, slas: tenant.policy.slas && sortedSet(tenant.policy.slas) },
      owners: sortedSet(tenant.owners),
      approvers: sortedSet(tenant.approvers),
    })),
    topics: topics
      .toSorted((a, b) => byText(a.tenant, b.tenant) || byText(a.name, b.name))
      .map((topic) => ({ ...topic, configs: sortedKeys(topic.configs) })),
  }
}

/** What `braid export` writes: the canonical fleet without what is a default anyway. Parsed, it is the same fleet. */
export function exportFleet(declared: Fleet): FleetInput {
  const { clusters, slas, tenants, topics } = canonicalFleet(declared)
  const parts = {
    clusters: clusters.map((cluster) => withoutDefaults(cluster, defaults.cluster)),
    slas: slas.map((sla) => withoutDefaults(sla, defaults.sla)),
    tenants: tenants.map((tenant) => withoutDefaults(tenant, defaults.tenant)),
    topics: topics.map((topic) => withoutDefaults(topic, defaults.topic)),
  }
  return {
    version: 1,
    ...Object.fromEntries(Object.entries(parts).filter(([, items]) => items.length > 0)),
  } as FleetInput
}

/** As a document has one thing, with what is required always there. */
export function documentOf(kind: keyof typeof defaults, item: object): JsonObject {
  return withoutDefaults(item, defaults[kind])
}

// The schema's own defaults, read off the smallest document. A name is never one.
const smallest = fleet.parse({
  version: 1,
  clusters: [{ name: 'x', bootstrap: 'x:1' }],
  slas: [{ name: 'x' }],
  tenants: [{ name: 'x', home: 'x' }],
  topics: [{ name: 'x', partitions: 1 }],
} satisfies FleetInput)

const defaults = {
  cluster: defaultsOf(smallest.clusters[0]!, ['name', 'bootstrap']),
  sla: defaultsOf(smallest.slas[0]!, ['name']),
  tenant: defaultsOf(smallest.tenants[0]!, ['name', 'home']),
  topic: { ...defaultsOf(smallest.topics[0]!, ['name', 'partitions']), tenant: defaultTenant },
}

function defaultsOf(item: object, required: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(item).filter(([key]) => !required.includes(key))) as JsonObject
}

function withoutDefaults(value: object, known: JsonObject): JsonObject {
  const kept: [string, Json][] = []
  for (const [key, own] of Object.entries(value) as [string, Json | undefined][]) {
    if (own === undefined) continue
    const usual = Object.hasOwn(known, key) ? known[key] : undefined
    if (isObject(own) && isObject(usual)) {
      const inside = withoutDefaults(own, usual)
      if (Object.keys(inside).length > 0) kept.push([key, inside])
    } else if (!isSame(own, usual)) kept.push([key, own])
  }
  return Object.fromEntries(kept)
}

export interface Difference {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** What two things differ in, by path; null where one of them lacks it. Lists are compared as a whole. */
export function differences(before: object, after: object, within = ''): Difference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key): Difference[] => {
    const path = `${within}${key}`
    const was = ownOf(before, key)
    const is = ownOf(after, key)
    if (isObject(was) && isObject(is)) return differences(was, is, `${path}.`)
    return isSame(was, is) ? [] : [{ path, before: was, after: is }]
  })
}

/** A label may be called constructor. */
const ownOf = (object: object, key: string): Json =>
  Object.hasOwn(object, key) ? ((object as JsonObject)[key] ?? null) : null

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isSame = (a: Json | undefined, b: Json | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)

const byName = <T extends { readonly name: string }>(items: readonly T[]): T[] =>
  items.toSorted((a, b) => byText(a.name, b.name))

const sortedSet = (texts: readonly string[]): string[] => [...new Set(texts)].sort(byText)

const sortedKeys = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => byText(a, b)))
