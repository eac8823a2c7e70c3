import { ConnectionError } from '@braid/kafka-connection'
import { describe, expect, test } from 'vitest'
import { fakeClusters, startTestPlane } from '../testing/test-plane.ts'
import { clusterFindings } from './cluster-findings.ts'
import type { Examination, Inside } from './examination.ts'
import { accessPointFindings, leftoverFindings } from './other-findings.ts'
import { type Outcome, within } from './outcome.ts'

const answered = <T>(value: T): Outcome<T> => ({ kind: 'answered', value })
const failed = (code: string, missing?: ConnectionError['missing']): Outcome<never> => ({
  kind: 'failed',
  failure: { code, reason: `because of ${code}`, missing },
})
const row = { name: 'a', bootstrap: ['k1:9092', 'k2:9092'], clusterId: 'id-a', security: null }
const broker = { id: 1, host: 'k1', port: 9092 }
const wellInside: Inside = {
  brokers: [{ broker, outcome: answered({ lacks: [], isCurrent: true }) }],
  clock: answered({ aheadMs: 20, errorMs: 5 }),
  rights: answered([]),
}

const examined = (inside: Partial<Inside> | undefined, ...outcomes: Outcome<string>[]): Examination => ({
  row,
  addresses: (outcomes.length > 0 ? outcomes : [answered('id-a'), answered('id-a')]).map((outcome, i) => ({
    address: row.bootstrap[i]!,
    outcome,
  })),
  inside: inside && { ...wellInside, ...inside },
})

const codes = (examination: Examination) => clusterFindings(examination).map(({ code }) => code)

describe('of a cluster', () => {
  test.each<[string, Examination, string[]]>([
    ['all is well', examined({}), ['WELL']],
    [
      'each address that does not answer is named',
      examined({}, answered('id-a'), failed('CONNECT_FAILED')),
      ['BOOTSTRAP_UNREACHABLE'],
    ],
    [
      'none answers',
      examined(undefined, failed('CONNECT_FAILED'), { kind: 'late', afterMs: 5_000 }),
      ['CLUSTER_UNREACHABLE', 'CLUSTER_UNREACHABLE'],
    ],
    [
      'a wrong password is one finding, whatever the number of addresses',
      examined(undefined, failed('AUTHENTICATION_FAILED'), failed('AUTHENTICATION_FAILED')),
      ['AUTHENTICATION_FAILED'],
    ],
    ['no TLS', examined(undefined, failed('TLS_FAILED')), ['TLS_FAILED']],
    ['no secret', examined(undefined, failed('SECRET_MISSING')), ['SECRET_MISSING']],
    ['another cluster answers', examined({}, answered('id-b')), ['ANOTHER_CLUSTER']],
    [
      'a broker is away',
      examined({ brokers: [{ broker, outcome: failed('CONNECT_FAILED') }] }),
      ['BROKER_UNREACHABLE'],
    ],
    [
      'a broker hangs',
      examined({ brokers: [{ broker, outcome: { kind: 'late', afterMs: 5_000 } }] }),
      ['BROKER_UNREACHABLE'],
    ],
    [
      'a broker is old',
      examined({ brokers: [{ broker, outcome: answered({ lacks: [], isCurrent: false }) }] }),
      ['VERSION_OLD'],
    ],
    [
      'a broker is too old',
      examined({ brokers: [{ broker, outcome: answered({ lacks: ['DescribeQuorum'], isCurrent: false }) }] }),
      ['API_MISSING'],
    ],
    ['clocks differ', examined({ clock: answered({ aheadMs: -2_000, errorMs: 5 }) }), ['CLOCK_SKEW']],
    ['clocks may not differ', examined({ clock: answered({ aheadMs: -2_000, errorMs: 1_500 }) }), ['WELL']],
    ['the clock is not told to us', examined({ clock: failed('NOT_AUTHORIZED') }), ['CLOCK_UNKNOWN']],
    ['a question hangs', examined({ rights: { kind: 'late', afterMs: 5_000 } }), ['QUESTION_UNANSWERED']],
  ])('%s', (_, examination, expected) => {
    expect(codes(examination)).toEqual(expected)
  })

  test('rights are told by operation, with the topics and the command', () => {
    const lacks = (operation: 'AlterConfigs' | 'Read', name: string) =>
      ({ operation, resource: 'Topic', name }) as const
    const names = ['t1', 't2', 't3', 't4', 't5', 't6', 't7', 'braid-doctor']
    const rights = answered([
      ...names.map((name) => lacks('AlterConfigs', name)),
      lacks('Read', 'braid-doctor'),
    ])
    expect(clusterFindings(examined({ rights }))).toEqual([
      {
        code: 'MISSING_RIGHT',
        severity: 'error',
        subject: 'cluster a',
        detail:
          'our user lacks AlterConfigs on Topic t1, t2, t3, t4, t5 and 2 more: it cannot be sealed, so it cannot be moved',
        fix: "kafka-acls --bootstrap-server k1:9092 --add --allow-principal User:NAME --operation AlterConfigs --topic '*'",
      },
      // Perhaps topics of other names are not to come.
      expect.objectContaining({ code: 'MISSING_RIGHT', severity: 'warning' }),
    ])
  })
})

test('an access point whose lease ends, or which does not follow', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const point = (id: string, leftMs: number, routeVersion: number) => ({
    point: { id, routeVersion, leaseEndsAt: new Date(now + leftMs).toISOString() },
    wantedVersion: 7,
  })
  const at = { now, leaseMs: 10_000 }
  expect(accessPointFindings([point('p1', 8_000, 7), point('p2', 8_000, 9)], at)).toMatchObject([
    { code: 'WELL' },
  ])
  expect(
    accessPointFindings([point('p1', 2_000, 7), point('p2', 8_000, 6), point('p3', 8_000, 7)], at),
  ).toMatchObject([
    { code: 'LEASE_ENDING', subject: 'access point p1' },
    { code: 'ACCESS_POINT_BEHIND', subject: 'access point p2' },
  ])
})

test('a leftover that has been there for too long', () => {
  const leftovers = [
    { cluster: 'a', topic: 'new', recordedAt: 900_000 },
    { cluster: 'a', topic: 'old', recordedAt: 400_000 },
  ]
  expect(leftoverFindings(leftovers, { now: 1_000_000, keptMs: 300_000 })).toMatchObject([
    {
      code: 'LEFTOVER_KEPT',
      subject: 'physical topic old on a',
      detail: expect.stringContaining('10 minutes'),
    },
  ])
})

test('a question that hangs is answered in time', async () => {
  expect(await within(5, () => new Promise(() => {}))).toEqual({ kind: 'late', afterMs: 5 })
  const error = new ConnectionError('TLS_FAILED', 'no', { cluster: 'a' })
  expect(await within(5, () => Promise.reject(error))).toMatchObject({ failure: { code: 'TLS_FAILED' } })
})

test('a whole installation, through the API: topics that differ, and clusters that are away', async () => {
  const clusters = fakeClusters()
  const { client } = await startTestPlane(clusters)
  await client.topics.create({ name: 'orders', partitions: 2, cluster: 'b' })
  expect((await client.doctor()).counts).toEqual({ ok: 4, warning: 0, error: 0 })
  const { homeTopic, physicalTopic } = await client.topics.get('orders')
  clusters.a.topics.delete(homeTopic)
  clusters.a.aheadMs = 60_000
  clusters.c.away = true
  await clusters.b.changeConfigs([
    {
      topic: physicalTopic,
      configs: { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '2' },
    },
  ])
  const { findings, counts } = await client.doctor()
  expect(findings.map(({ code, subject }) => [code, subject])).toEqual([
    ['CLOCK_SKEW', 'cluster a'],
    ['WELL', 'cluster b'],
    ['CLUSTER_UNREACHABLE', 'cluster c'],
    ['STUB_MISSING', 'topic orders of tenant default'],
    ['UNCLEAN_ELECTION', 'topic orders of tenant default'],
    ['REPLICAS_TOO_FEW', 'topic orders of tenant default'],
  ])
  expect(counts).toEqual({ ok: 1, warning: 2, error: 3 })
  for (const { severity, fix } of findings) expect(fix === null).toBe(severity === 'ok')
  // Nothing was mended, and nothing written.
  expect(clusters.a.topics.has(homeTopic)).toBe(false)
})
