// For tests: fleets that hold together, with every field at its default, null, or something else.
import type { FleetInput } from '@braid/control-api'
import fc from 'fast-check'

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(fc.option(value, { nil: null }), { nil: undefined })
const text = fc.constantFrom('payments team', 'said "so"', 'ünïcode ✓', '#no-comment: here', "it's")
const label = fc.dictionary(
  fc.constantFrom('region', 'failure-domain', 'constructor', 'a/b.c'),
  fc.constantFrom('eu', 'us', '1', 'true'),
  { maxKeys: 2 },
)
const configs = fc.dictionary(
  fc.constantFrom('retention.ms', 'segment.bytes', 'compression.type'),
  fc.constantFrom('1000', '-1', 'producer'),
)
const count = fc.integer({ min: 0, max: 1_000 })

export interface RandomFleetSize {
  readonly clustersMax: number
  readonly topicsMax: number
}

export function randomFleet({ clustersMax, topicsMax }: RandomFleetSize = { clustersMax: 4, topicsMax: 12 }) {
  const names = (prefix: string, max: number, min = 0) =>
    fc.integer({ min, max }).map((n) => Array.from({ length: n }, (_, i) => `${prefix}-${i}`))
  return fc
    .record({
      clusters: names('c', clustersMax, 1),
      slas: names('s', 3),
      tenants: names('t', 3).map((tenants) => ['default', ...tenants]),
      topics: names('topic', topicsMax),
    })
    .chain((named) => {
      const cluster = fc.constantFrom(...named.clusters)
      const tenant = fc.constantFrom(...named.tenants)
      const sla = named.slas.length === 0 ? fc.constant(null) : nullable(fc.constantFrom(...named.slas))
      const each = <T>(items: readonly string[], one: (name: string) => fc.Arbitrary<T>) =>
        fc.tuple(...items.map(one)).chain((list) => fc.shuffledSubarray(list, { minLength: list.length }))
      return fc.record({
        version: fc.constant(1 as const),
        clusters: each(named.clusters, (name) =>
          fc.record({
            name: fc.constant(name),
            bootstrap: fc.constantFrom(`${name}:9092`, [`${name}:9092`, `${name}:9093`]),
            labels: some(label),
            capacity: some(
              fc.record({
                bytesInPerSecond: nullable(fc.constant(1e12)),
                partitions: nullable(fc.constant(1e6)),
              }),
            ),
          }),
        ),
        slas: each(named.slas, (name) =>
          fc.record({
            name: fc.constant(name),
            description: some(text),
            durability: some(fc.record({ replicationFactor: fc.constantFrom(1, 2, 3) })),
            retentionMaxMs: nullable(fc.constant(1e15)),
          }),
        ),
        tenants: each(named.tenants, (name) =>
          fc.record({
            name: fc.constant(name),
            description: some(text),
            // The same in every fleet: a home cannot be changed.
            home: fc.constant(named.clusters[0]!),
            standbyHome: nullable(cluster),
            quotas: some(fc.record({ topicsMax: nullable(count), partitionsMax: nullable(count) })),
            policy: some(fc.record({ topicPrefix: nullable(fc.constant('x-')) })),
            owners: some(fc.uniqueArray(fc.constantFrom('user:a', 'user:b', 'user:c'))),
            approvers: some(fc.uniqueArray(fc.constantFrom('user:z', 'user:y'))),
          }),
        ),
        topics: each(named.topics, (name) =>
          fc.record({
            tenant: some(tenant),
            name: fc.constant(name),
            partitions: fc.constantFrom(1, 3),
            sla,
            cluster: nullable(cluster),
            configs: some(configs),
            expected: some(fc.record({ bytesInPerSecond: some(count), readers: some(count) })),
            owner: nullable(text),
          }),
        ),
      })
    })
    .map((document) => withoutUndefined(document) as FleetInput)
}

const withoutUndefined = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
