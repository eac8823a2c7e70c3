import { describe, expect, it } from 'vitest'
import { parseFleetFile } from './parse.ts'
import type { KnownNames } from './references.ts'

const known = (names: Partial<Record<keyof KnownNames, string[]>> = {}): KnownNames => ({
  cluster: new Set(names.cluster),
  sla: new Set(names.sla),
  tenant: new Set(names.tenant),
})

const wrong = (source: string, names: KnownNames = known()): string[] =>
  parseFleetFile(source, { known: names }).problems.map(
    ({ line, column, message }) => `${line}:${column}: ${message}`,
  )

describe('a fleet file', () => {
  it('may have units, values without quotes, comments, and what the API takes', () => {
    const { fleet, problems } = parseFleetFile(`# ours
version: 1
clusters:
  - { name: a, bootstrap: "a-1:9092, a-2:9092", capacity: { bytesInPerSecond: 50MB/s } } # ours too
slas:
  - name: gold
    retentionMaxMs: 7d
topics:
  - name: orders
    partitions: 12
    sla: gold
    expected: { bytesInPerSecond: 5MiB/s, readers: 6 }
    configs: { retention.ms: 3600000, min.cleanable.dirty.ratio: 0.50, preallocate: true }
`)
    expect(problems).toEqual([])
    expect(fleet).toMatchObject({
      clusters: [{ bootstrap: ['a-1:9092', 'a-2:9092'], capacity: { bytesInPerSecond: 50_000_000 } }],
      slas: [{ retentionMaxMs: 604_800_000, durability: { replicationFactor: 3 } }],
      topics: [
        {
          tenant: 'default',
          expected: { bytesInPerSecond: 5_242_880, readers: 6 },
          configs: { 'retention.ms': '3600000', 'min.cleanable.dirty.ratio': '0.50', preallocate: 'true' },
        },
      ],
    })
  })

  it('is told everything that is wrong with it at once, by line, with what was meant', () => {
    expect(
      wrong(
        `version: 1
clusters:
  - name: a
    bootstrap: k:9092
    tier: shred
    capacity: {partitons: 3, bytesInPerSecond: 5Mb/s}
  - name: a
    bootstrap: 7
tenants:
  - name: shop
    home: kafka-eu
  - home: a
topics:
  - name: orders
    partitons: 12
    sla: gld
  - name: 12
    partitions: x
  - name: ../x
    partitions: 0
slas: [{name: gold, durability: {minInSyncReplicas: five}}]
extra: 1
`,
        known({ cluster: ['kafka-eu1'] }),
      ),
    ).toEqual([
      '5:11: "tier" in cluster "a": it takes shared, dedicated, read, not "shred": did you mean "shared"?',
      '6:16: unknown key "partitons" in capacity of cluster "a": did you mean "partitions"?',
      '6:48: bytesInPerSecond: "5Mb/s" has no unit that is known: write a rate as 5MB/s, 5MiB/s, 300KB/s or in plain bytes per second',
      '7:11: cluster "a" is there twice, first in line 3',
      '8:16: "bootstrap" in cluster "a": it takes text or a list of texts, not 7',
      '11:11: home of tenant "shop": there is no cluster "kafka-eu": did you mean "kafka-eu1"?',
      '12:5: tenant 2 has no "name"',
      '15:5: unknown key "partitons" in topic "orders": did you mean "partitions"?',
      '16:10: sla of topic "orders": there is no SLA class "gld": did you mean "gold"?',
      '17:11: "name" in topic 2: it takes text, not 12: put it in quotes',
      '18:17: "partitions" in topic 2: it takes a number, not "x"',
      '19:11: "name" in topic "../x": a topic name has 1 to 249 letters, digits, ".", "_" or "-"',
      '20:17: "partitions" in topic "../x": it is at least 1, not 0',
      '21:53: "minInSyncReplicas" in durability of SLA class "gold": it takes a number, not "five"',
      '22:1: unknown key "extra": it takes version, clusters, slas, tenants, topics',
    ])
  })

  it.each([
    ['', '1:1: the file is empty: it begins with `version: 1`'],
    ['version: 1\n\ttopics: []', '2:1: a tab indents here: YAML indents with spaces'],
    ['version: 1\n---\nversion: 1', '2:1: a second document begins here (---): one file holds one document'],
    ['version: 1\nslas: []\nslas: []', '3:1: key "slas" is there twice'],
    ['version: 2', '1:10: "version": it takes 1, not 2'],
    ['topics: []', '1:1: the file has no "version"'],
    ['- 1', '1:1: it takes a map of keys, not a list'],
    ['version: 1\ntopics: {a: 1}', '2:9: "topics": it takes a list, not a map of keys'],
    [
      'version: 1\ntopics: [*x]',
      '1:1: the file has aliases (*name) that stand for nothing, for too much or for themselves',
    ],
  ])('%j', (source, problem) => {
    const [first] = wrong(source)
    expect(first?.toLowerCase()).toContain(problem.toLowerCase())
  })

  it('may not be nested without end', () => {
    expect(wrong('['.repeat(20_000))).toEqual(['1:1: the file is nested too deeply'])
  })

  it('may not be a bomb of aliases, nor larger than its bound', () => {
    const level = (n: number): string =>
      `l${n}: &l${n} [${Array(9)
        .fill(n === 0 ? '1' : `*l${n - 1}`)
        .join()}]\n`
    expect(wrong(Array.from({ length: 9 }, (_, n) => level(n)).join(''))[0]).toContain('aliases')
    const parsed = parseFleetFile('version: 1 # long', { limits: { textMaxBytes: 10 } })
    expect(parsed.problems[0]!.message).toBe('the file has more than 10 bytes')
  })

  it('may refer to what is there already; the default tenant always is', () => {
    const source =
      'version: 1\ntopics:\n  - {name: t, partitions: 1, sla: gold, cluster: a, tenant: default}\n'
    expect(wrong(source, known({ sla: ['gold'], cluster: ['a'] }))).toEqual([])
    expect(wrong(source)).toHaveLength(2)
    // Without knowing what is there, nobody can say.
    expect(parseFleetFile(source)).toMatchObject({ problems: [], refersOutside: true })
  })
})
