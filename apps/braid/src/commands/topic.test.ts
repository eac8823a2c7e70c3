import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { exitCodes } from '../exit-codes.ts'
import { goodAnswers, movedTopic, placement, topicSummary } from '../testing/resources.ts'
import { runBraid } from '../testing/run-braid.ts'

const listOfOne = { 'topics.list': { topics: [topicSummary], next: null } }

describe('topic create', () => {
  it('sends what was asked for and says where it is, and why', async () => {
    const { status, io, plane } = await runBraid(
      'topic create orders --partitions 2 --cluster b --replication-factor 3 --config retention.ms=1000 --config a=b=c --tenant shop',
      { 'topics.create': { topic: movedTopic, placement } },
    )
    expect(plane.received).toMatchObject([
      {
        params: { tenant: 'shop' },
        body: {
          name: 'orders',
          partitions: 2,
          cluster: 'b',
          replicationFactor: 3,
          configs: { 'retention.ms': '1000', a: 'b=c' },
        },
      },
    ])
    expect(io.out).toBe(`\
topic orders is created: 2 partitions on b, as orders.k2
  b has the least load of the clusters that fit
  c is in another failure domain
`)
    expect(status).toBe(exitCodes.ok)
  })

  it('--dry-run explains itself: cluster, standby, stub, reasons, and why not elsewhere', async () => {
    const { io, plane, body } = await runBraid(
      'topic create payments --sla gold --bytes-in 5MB/s --readers 6 --dry-run',
      { 'topics.create': { topic: null, placement } },
    )
    expect(plane.received[0]!.query).toEqual({ dryRun: 'true' })
    expect(body).toEqual({
      name: 'payments',
      partitions: 12,
      sla: 'gold',
      expected: { bytesInPerSecond: 5_000_000, readers: 6 },
    })
    expect(io.out).toBe(`\
topic payments would be created with 12 partitions on b
cluster   b
standby   c
stub      on a, where its groups commit
  b has the least load of the clusters that fit
  c is in another failure domain

CONSIDERED   VERDICT    REASON
b            chosen     at 8 % of its bytes in with it
c            possible   at 31 % of its bytes in with it
d            refused    lacks the label region=eu-1 that gold asks for
`)
  })
})

describe('topic', () => {
  it('adopt warns of clients that go past Braid', async () => {
    const { io, body } = await runBraid('topic adopt orders --cluster b', { 'topics.adopt': movedTopic })
    expect(body).toEqual({ name: 'orders', cluster: 'b' })
    expect(io.out).toContain('topic orders is adopted: 2 partitions on b')
    expect(io.out).toContain('point its clients at a listener')
  })

  it('list is a table for people, the same data for programs, and names for pipes', async () => {
    const people = await runBraid('topic list', listOfOne)
    expect(people.io.out).toBe(
      'TOPIC    PARTITIONS   SLA   CLUSTER   STANDBY   LOGLETS   BYTES IN   MIGRATION   DRIFT\n' +
        'orders            2   -     b         -               2      0 B/s   -               -\n',
    )
    expect(JSON.parse((await runBraid('topic list -o json', listOfOne)).io.out)).toEqual([topicSummary])
    expect(parse((await runBraid('topic list -o yaml', listOfOne)).io.out)).toEqual([topicSummary])
    expect((await runBraid('topic list -o name', listOfOne)).io.out).toBe('orders\n')
  })

  it('list says where a topic is pinned to when it is elsewhere', async () => {
    const at = (pinnedTo: string) => ({
      'topics.list': { topics: [{ ...topicSummary, pinnedTo }], next: null },
    })
    expect((await runBraid('topic list', at('b'))).io.out).toContain(' b (pinned) ')
    expect((await runBraid('topic list', at('a'))).io.out).toContain(' b (pinned to a) ')
  })

  it('list -A asks for the topics of every tenant', async () => {
    const { io, plane } = await runBraid('topic list -A', { ...goodAnswers })
    expect(plane.received.map(({ params }) => params.tenant)).toEqual([undefined, 'shop'])
    expect(io.out).toMatch(/^TENANT +TOPIC/)
  })

  it('list of none says how to begin', async () => {
    const { io } = await runBraid('topic list', { 'topics.list': { topics: [], next: null } })
    expect(io.out).toContain('braid topic create')
  })

  it('show prints the chains, what it should be, and what differs', async () => {
    const { io } = await runBraid('topic show orders', {
      'topics.get': {
        ...movedTopic,
        sla: 'gold',
        drift: ['retention.ms is 1000 on b'],
        pinnedTo: 'b',
        owner: 'web',
      },
    })
    expect(io.out).toContain('0   0..1199   1200..1529 >')
    expect(io.out).toContain('SLA class gold, expects 1 reader, pinned to b')
    expect(io.out).toContain('differs: retention.ms is 1000 on b')
  })

  it('update leaves what it does not name', async () => {
    const before = {
      ...movedTopic,
      configs: { a: '1', b: '2' },
      expected: { bytesInPerSecond: 7, readers: 3 },
    }
    const { body, io } = await runBraid(
      'topic update orders --config b=3 --remove-config a --bytes-in 1KB/s --unpin',
      {
        'topics.get': before,
        'topics.update': before,
      },
    )
    expect(body).toEqual({
      configs: { b: '3' },
      expected: { bytesInPerSecond: 1000, readers: 3 },
      cluster: null,
    })
    expect(io.out).toContain('topic orders is changed')
  })

  it('update of nothing is a wrong command line', async () => {
    const { status, asked } = await runBraid('topic update orders', { 'topics.get': movedTopic })
    expect(status).toBe(exitCodes.usage)
    expect(asked).toEqual(['topics.get'])
  })

  const deletion = { 'topics.get': movedTopic, 'topics.delete': undefined }

  it.each([
    ['topic delete orders --yes', undefined, exitCodes.ok, true],
    ['topic delete orders', 'y', exitCodes.ok, true],
    ['topic delete orders', 'n', exitCodes.failed, false],
    ['topic delete orders', '', exitCodes.failed, false],
    ['topic delete orders', undefined, exitCodes.usage, false],
  ])('%s, answered %j: status %d, deleted %s', async (line, answer, wanted, deleted) => {
    const { status, asked } = await runBraid(line, deletion, { answer })
    expect(status).toBe(wanted)
    expect(asked.includes('topics.delete')).toBe(deleted)
  })
})

describe('a hostile name', () => {
  it.each([
    ['topic', 'show', '../x'],
    ['topic', 'create', 'x'.repeat(300)],
    ['topic', 'show', 'a\u001b[31mb'],
    ['topic', 'list', '--tenant', '../x'],
    ['cluster', 'show', '..'],
    ['cluster', 'drain', 'a/b'],
    ['failover', '../x'],
    ['failover', 'a', '--reason', 'a\nb'],
    ['failover', 'show', '../x'],
    ['topic', 'abandon', '../x', '--loglet', '0'],
    ['sla', 'show', 'Gold'],
    ['tenant', 'set', 'a b', '--home', 'a'],
    ['migrate', 'orders', 'a/../b', '--to', 'b'],
    ['migrate', 'orders', '--to', '%2e%2e'],
    ['migration', 'show', '../x'],
    ['operation', 'moves', 'o 7'],
    ['token', 'create', 'user:\u0007', '--role', 'viewer'],
    ['access-point', 'remove', '../x'],
    ['backup', '../x.db'],
    ['topic', 'create', 'orders', '--owner', 'a\nb'],
  ])('%j is refused before anything is asked', async (...argv) => {
    const { run } = await import('../run.ts')
    const { fakeIo } = await import('../testing/fake-io.ts')
    // Nobody listens there: whoever asked would come back with another status.
    const io = fakeIo({ env: { BRAID_API: '127.0.0.1:9' } })
    expect(await run(argv, io)).toBe(exitCodes.usage)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(io.err.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f]/)
  })
})
