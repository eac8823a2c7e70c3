import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FleetInput } from '../resources/fleet.ts'
import { canonicalFleet, formatFleet } from './format.ts'
import { parseFleetFile } from './parse.ts'

describe('the canonical text of a fleet', () => {
  it('is sorted, has units, and leaves defaults out', () => {
    const text = formatFleet({
      version: 1,
      clusters: [
        { name: 'b', bootstrap: 'k:9092', capacity: { bytesInPerSecond: 5_000_000, partitions: 4000 } },
        { name: 'a', bootstrap: ['k:1'], labels: { zone: '1', 'failure-domain': 'x' } },
      ],
      slas: [{ name: 'gold', retentionMaxMs: 604_800_000, durability: { replicationFactor: 3 } }],
      topics: [
        { name: 'b', partitions: 3, tenant: 'shop', configs: { 'retention.ms': '77' } },
        { name: 'c', partitions: 1, tenant: 'default' },
      ],
    })
    expect(text).toBe(`\
version: 1

clusters:
  - name: a
    bootstrap:
      - k:1
    labels:
      failure-domain: x
      zone: "1"
  - name: b
    bootstrap:
      - k:9092
    capacity:
      bytesInPerSecond: 5MB/s
      partitions: 4000

slas:
  - name: gold
    retentionMaxMs: 7d

topics:
  - name: c
    partitions: 1
  - name: b
    tenant: shop
    partitions: 3
    configs:
      retention.ms: "77"
`)
  })

  it('reads as the fleet that was written, and is written from it the same, byte by byte', () => {
    fc.assert(
      fc.property(anyFleet, (input) => {
        const text = formatFleet(input)
        const { fleet, problems } = parseFleetFile(text)
        expect(problems).toEqual([])
        expect(fleet).toEqual(canonicalFleet(input))
        expect(formatFleet(fleet!)).toBe(text)
      }),
      { numRuns: 200 },
    )
  })
})

const slug = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/)
// What YAML could take for something else is among them.
const word = fc.oneof(
  fc.constantFrom('null', 'true', 'no', '1', '1.50', '0x1f', '-', '.5', '~', '2001-01-01', 'y', '1e3'),
  fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/),
)
const topicName = word.filter((name) => /^[A-Za-z0-9._-]+$/.test(name) && name !== '.' && name !== '..')
const clusterName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,9}$/)
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what the API refuses
  .filter((value) => !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value) && value.isWellFormed())
const rate = fc.oneof(
  fc.constant(null),
  fc.nat(),
  fc.nat(1000).map((n) => n * 1024 * 1024),
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })
const labels = fc.dictionary(slug, fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?$/), {
  maxKeys: 3,
})
const configs = fc.dictionary(fc.stringMatching(/^[a-z0-9.]{1,12}$/), fc.oneof(word, fc.string(), text), {
  maxKeys: 4,
})
const by = <T extends { name: string }>(items: fc.Arbitrary<T>) =>
  fc.uniqueArray(items, { selector: ({ name }) => name, maxLength: 4 })

const anyFleet: fc.Arbitrary<FleetInput> = fc.record({
  version: fc.constant(1 as const),
  clusters: by(
    fc
      .record({
        name: clusterName,
        bootstrap: fc.array(fc.constantFrom('k:9092', '[::1]:9092', '10.0.0.1:1'), {
          minLength: 1,
          maxLength: 3,
        }),
        security: fc.constantFrom(
          null,
          { protocol: 'SSL' as const, tls: { serverName: 'kafka', ca: 'file:/etc/ca.pem' } },
          {
            protocol: 'SASL_PLAINTEXT' as const,
            sasl: { username: 'braid', mechanism: 'PLAIN' as const, password: 'env:EU_PASSWORD' },
          },
        ),
        dedicatedTo: maybe(slug),
        labels,
        capacity: fc.record({
          bytesInPerSecond: rate,
          bytesOutPerSecond: rate,
          partitions: maybe(fc.integer({ min: 1, max: 9999 })),
        }),
      })
      .map((cluster) => ({
        ...cluster,
        tier: cluster.dedicatedTo === null ? ('read' as const) : ('dedicated' as const),
      })),
  ),
  slas: by(
    fc.record({
      name: slug,
      description: text,
      availability: fc.record({ failover: fc.constantFrom('none' as const, 'strict' as const) }),
      durability: fc.constantFrom({}, { replicationFactor: 3, minInSyncReplicas: 2 }, { dual: true }),
      latency: fc.record({ dedicated: fc.boolean(), labels }),
      retentionMaxMs: maybe(fc.integer({ min: 1, max: 10_000 }).map((n) => n * 3_600_000)),
    }),
  ),
  tenants: by(
    fc.record({
      name: slug,
      home: clusterName,
      standbyHome: maybe(clusterName),
      quotas: fc.record({ bytesInPerSecondMax: rate, topicsMax: maybe(fc.nat(9)) }),
      policy: fc.record({ slas: maybe(fc.array(slug, { maxLength: 3 })), topicPrefix: maybe(topicName) }),
      owners: fc.array(fc.constantFrom('user:ann', 'service:billing', '7', 'true'), { maxLength: 2 }),
    }),
  ),
  topics: by(
    fc.record({
      name: topicName,
      tenant: slug,
      partitions: fc.integer({ min: 1, max: 100 }),
      sla: maybe(slug),
      cluster: maybe(clusterName),
      configs,
      expected: fc.record({ bytesInPerSecond: rate.map((value) => value ?? 0), readers: fc.nat(9) }),
      owner: maybe(text),
    }),
  ),
})
