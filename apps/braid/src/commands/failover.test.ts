import { describe, expect, it } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import {
  failedOver,
  failoverPlan,
  failoverStatus,
  failoverTopics,
  fencing,
  proxyLease,
  recovering,
  returned,
  returnTopics,
} from '../testing/failover-resources.ts'
import { Refusal } from '../testing/fake-control-plane.ts'
import { goodAnswers, lostTopic } from '../testing/resources.ts'
import { runBraid } from '../testing/run-braid.ts'

const giveUp = {
  'failovers.start': goodAnswers['failovers.start'],
  'failovers.get': failedOver,
}

describe('failover', () => {
  it('--dry-run says where each topic and home goes, and why one waits, and starts nothing', async () => {
    const { io, plane, status } = await runBraid('failover a --dry-run', giveUp)
    expect(plane.received.map(({ id, params, query }) => [id, params.cluster, query.dryRun])).toEqual([
      ['failovers.start', 'a', 'true'],
    ])
    expect(io.out).toBe(`\
1 topic goes on on b, 1 waits; 1 home moves

TOPIC         POLICY   TO          REASON
orders        strict   b           its standby on b answers
shop/clicks   none     - (waits)   its class has no failover

HOME OF   FROM   TO          REASON
default   a      b           its standby home
shop      a      - (waits)   it has no standby home

2 leases: who holds one is told first, or waited for until it has run out
`)
    expect(status).toBe(exitCodes.ok)
  })

  it('names what goes where, asks, and follows it to its switch', async () => {
    const { io, plane, status } = await runBraid('failover a --reason "power is out"', giveUp, {
      answer: 'y',
    })
    expect(io.questions).toEqual([
      'Give up cluster a: 1 topic goes on elsewhere, 1 waits, 1 home moves? [y/N] ',
    ])
    expect(io.err).toContain('its standby on b answers')
    expect(plane.received.slice(0, 2).map(({ query, body }) => [query.dryRun, body])).toEqual([
      ['true', { reason: 'power is out' }],
      ['false', { reason: 'power is out' }],
    ])
    // How long a step was seen to take is as the machine has it.
    expect(io.out.replace(/^((?:SWITCH|END) +done).*$/gm, '$1')).toBe(`\
failover f-7 of a: two vantage points saw it down for 1 s
CHECK    done
FENCE    doing                waits until every lease is told, or has run out
FENCE    done        386 ms
SWITCH   done
END      done
cluster a is given up: 1 of 2 topics moved, 1 waits, 1 home
switched 412 ms after it was decided, of it 386 ms for leases, route version 13
what only a has can be read when it is back: \`braid cluster return a\`
1 topic waits for it: \`braid failover show f-7\` says why
`)
    expect(status).toBe(exitCodes.ok)
  })

  it.each([
    ['n', exitCodes.failed],
    [undefined, exitCodes.usage],
  ])('answered %j it is not started', async (answer, wanted) => {
    const { status, plane } = await runBraid('failover a', giveUp, { answer })
    expect(status).toBe(wanted)
    expect(plane.received.map(({ query }) => query.dryRun)).toEqual(['true'])
  })

  it('a cluster that is called like a verb is reached by the long form', async () => {
    const long = await runBraid('failover start status --yes --force', giveUp)
    expect(long.plane.received[0]).toMatchObject({
      id: 'failovers.start',
      params: { cluster: 'status' },
      body: { force: true },
    })
    const short = await runBraid('failover status', goodAnswers)
    expect(short.asked).toEqual(['failovers.status'])
  })

  it('without a cluster or a verb is a wrong command line', async () => {
    const { status, io, asked } = await runBraid('failover')
    expect(status).toBe(exitCodes.usage)
    expect(io.err).toContain("missing required argument 'cluster'")
    expect(asked).toEqual([])
  })

  it.each([
    ['CLUSTER_ANSWERS', exitCodes.conflict, '--force'],
    ['STANDBY_DOWN', exitCodes.conflict, 'braid failover status'],
    ['FAILOVER_LIMIT', exitCodes.conflict, '--force'],
    ['UNKNOWN_CLUSTER', exitCodes.notFound, 'braid cluster list'],
  ] as const)('refused with %s: status %d, and what to do', async (code, wanted, remedy) => {
    const { status, io } = await runBraid('failover a --yes', {
      'failovers.start': new Refusal(code, 'what and where'),
    })
    expect(status).toBe(wanted)
    expect(io.err).toContain('braid: what and where\n')
    expect(io.err).toContain(remedy)
  })

  it('that is cancelled or fails before its switch is a failure, and says that all is as it was', async () => {
    const cancelled = { ...fencing, state: 'cancelled', revision: 4 }
    const { status, io } = await runBraid('failover a --yes', { ...giveUp, 'failovers.get': cancelled })
    expect(status).toBe(exitCodes.failed)
    expect(io.err).toContain('the failover of a was cancelled; all is as it was')
  })

  it('Ctrl-C leaves it running, and says how to see and how to undo it', async () => {
    const slow = () => new Promise((resolve) => setTimeout(() => resolve(fencing), 200))
    const { status, io } = await runBraid(
      'failover a --yes',
      { ...giveUp, 'failovers.get': slow },
      { stopAfterMs: 50 },
    )
    expect(status).toBe(exitCodes.interrupted)
    for (const words of ['failover f-7 of a goes on', 'failover wait f-7', 'failover cancel f-7'])
      expect(io.err).toContain(words)
  })

  it('-o json prints the record alone; --detach does not wait', async () => {
    const json = await runBraid('failover a --yes -o json', giveUp)
    expect(JSON.parse(json.io.out)).toEqual(failedOver)
    expect(json.io.err).toContain('FENCE')
    const detached = await runBraid('failover a --yes --detach', giveUp)
    expect(detached.asked).toEqual(['failovers.start'])
    expect(detached.io.out).toBe('failover f-7 of a is started: `braid failover wait f-7`\n')
  })

  it('on a terminal names the leases that it waits for', async () => {
    let looks = 0
    const { io } = await runBraid(
      'failover a --yes',
      {
        ...giveUp,
        'leases.list': {
          leases: [
            proxyLease,
            { ...proxyLease, id: 'sdk-9', kind: 'sdk', accessPoint: null, routeVersion: 12 },
          ],
          next: null,
        },
        'failovers.get': () =>
          new Promise((resolve) => setTimeout(() => resolve(looks++ === 0 ? fencing : failedOver), 300)),
      },
      { isTTY: true, columns: 120 },
    )
    expect(io.out).toContain('waits for 1 lease: proxy proxy-1 (until 2026-11-23T10:00:03.000Z)')
    expect(io.out).not.toContain('sdk-9')
  })
})

describe('failover status', () => {
  const answers = { 'failovers.status': failoverStatus }

  it('shows settings, clusters, verdicts, and the votes where somebody sees one down', async () => {
    const { io } = await runBraid('failover status', answers)
    expect(io.out).toBe(`\
automatic failover is on: a cluster that is down for 1 s is given up, then no other cluster for 10 min

CLUSTER   STATE       LEASED TOPICS   SEEN           VERDICT
a         suspected              12   1 up, 1 down   one vantage point sees it down, and two have to
b         up                      3   1 up           is well

a as it is seen by
VANTAGE POINT   SEES IT      FOR   DETAIL
proxy proxy-1   down      740 ms   connect ECONNREFUSED
control plane   up         3 min   -
`)
    const all = await runBraid('failover status --votes', answers)
    expect(all.io.out).toContain('b as it is seen by\n')
  })

  it('shows the quiet time, the off switch, and what is under way', async () => {
    const { io } = await runBraid('failover status', {
      'failovers.status': {
        ...failoverStatus,
        quietUntil: '2026-11-23T10:10:00.000Z',
        underway: [fencing],
      },
    })
    expect(io.out).toContain('until 2026-11-23T10:10:00.000Z no further cluster is given up automatically')
    expect(io.out).toContain('failover f-7 of a: running, step FENCE, nothing has moved yet')
    const off = await runBraid('failover status', {
      'failovers.status': {
        ...failoverStatus,
        settings: { ...failoverStatus.settings, automatic: false },
        quietUntil: '2026-11-23T10:10:00.000Z',
      },
    })
    expect(off.io.out).toContain('automatic failover is off: a cluster is given up when somebody says so')
    expect(off.io.out).not.toContain('no further cluster')
  })

  it('--watch shows it again when a vote changes', async () => {
    let looks = 0
    const { io } = await runBraid(
      'failover status --watch --interval 1',
      { 'failovers.status': () => ({ ...failoverStatus, underway: looks++ === 0 ? [] : [fencing] }) },
      { stopAfterMs: 1_500 },
    )
    expect(io.out.match(/^automatic failover/gm)).toHaveLength(2)
  })
})

describe('failover list, show, cancel, auto', () => {
  it('list has both kinds, and their ids for pipes', async () => {
    const list = { 'failovers.list': { failovers: [returned, failedOver], next: null } }
    const { io } = await runBraid('failover list', list)
    expect(io.out).toMatch(/^f-7 +failover +a +done +END +1 of 2 +412 ms +automatic/m)
    expect(io.out).toMatch(/^f-8 +return +a +done +END +1 +- +user:ann/m)
    expect((await runBraid('failover list -o name', list)).io.out).toBe('f-8\nf-7\n')
  })

  it('show has who saw what, how long it took, and what became of each topic', async () => {
    const answers = {
      'failovers.get': failedOver,
      'failovers.topics': { topics: failoverTopics, next: null },
    }
    const { io } = await runBraid('failover show f-7', answers)
    for (const words of [
      'failover f-7 of a: done',
      'proxy proxy-1 saw it down for 1.2 s: connect ECONNREFUSED',
      'switched 412 ms after it was decided, of it 386 ms for leases, route version 13',
    ])
      expect(io.out).toContain(words)
    expect(io.out).toMatch(/^orders +strict +a +b +3000000 +its standby on b answers$/m)
    expect(io.out).toMatch(/^shop\/clicks +none +a +- \(waits\) +- +its class has no failover$/m)
    expect(JSON.parse((await runBraid('failover show f-7 -o json', answers)).io.out)).toMatchObject({
      id: 'f-7',
      topics: failoverTopics,
    })
  })

  it('cancel says that it is being undone, or why it is too late', async () => {
    const { io } = await runBraid('failover cancel f-7', {
      'failovers.cancel': { ...fencing, state: 'undoing' },
    })
    expect(io.out).toBe('failover f-7 of a is being undone: `braid failover show f-7`\n')
    const late = await runBraid('failover cancel f-7', {
      'failovers.cancel': new Refusal('FAILOVER_ENDED', 'failover f-7 of a has switched'),
    })
    expect(late.status).toBe(exitCodes.conflict)
  })

  it.each([
    ['failover auto off', { automatic: false }],
    ['failover auto on --quiet 10m --down-for 1s', { automatic: true, quietMs: 600_000, downForMs: 1_000 }],
    ['failover auto --down-for 5s', { downForMs: 5_000 }],
  ])('%s sends %j', async (line, wanted) => {
    const { body, asked } = await runBraid(line, goodAnswers)
    expect(asked).toEqual(['failovers.configure'])
    expect(body).toEqual(wanted)
  })

  it('auto alone changes nothing', async () => {
    const { asked, io } = await runBraid('failover auto', goodAnswers)
    expect(asked).toEqual(['failovers.status'])
    expect(io.out).toContain('automatic failover is on')
  })
})

describe('cluster return', () => {
  const answers = {
    'clusters.return': { failover: recovering, plan: { ...failoverPlan, summary: '1 topic is recovered' } },
    'failovers.get': returned,
    'failovers.topics': { topics: returnTopics, next: null },
  }

  it('asks, follows its steps, and says what was recovered', async () => {
    const { io, plane, status } = await runBraid(
      'cluster return a --move-back',
      {
        ...answers,
        'clusters.return': ({ query }: { query: { dryRun?: string } }) => ({
          ...answers['clusters.return'],
          failover: query.dryRun === 'true' ? null : recovering,
        }),
      },
      { answer: 'y' },
    )
    expect(plane.received.slice(0, 2).map(({ query, body }) => [query.dryRun, body])).toEqual([
      ['true', { moveBack: true }],
      ['false', { moveBack: true }],
    ])
    expect(io.questions).toEqual(['Take cluster a back (1 topic is recovered)? [y/N] '])
    expect(io.out).toContain('RECOVER  doing                finds what stands twice')
    expect(io.out).toContain('cluster a is back: 1 lost loglet\n')
    expect(io.out).toContain(
      'tail of 120 records in 1 topic: 3 left out because they stand twice, 40 of 45 records copied on so far\n',
    )
    expect(status).toBe(exitCodes.ok)
  })

  it('of one that is still failing is refused with the reason', async () => {
    const { status, io } = await runBraid('cluster return a --yes', {
      'clusters.return': new Refusal('CLUSTER_STILL_FAILING', 'cluster a does not answer proxy-1'),
    })
    expect(status).toBe(exitCodes.conflict)
    expect(io.err).toContain('cluster a does not answer proxy-1')
  })

  it('on a terminal shows how far the recovery is', async () => {
    const { io } = await runBraid(
      'cluster return a --yes',
      {
        ...answers,
        'failovers.get': () => new Promise((resolve) => setTimeout(() => resolve(returned), 300)),
      },
      { isTTY: true, columns: 140 },
    )
    expect(io.out).toContain('40 of 45 records copied on so far')
  })
})

describe('topic abandon', () => {
  const answers = { 'topics.abandon': goodAnswers['topics.abandon'], 'topics.get': lostTopic }

  it('without --yes names the price and is refused, whoever is there to be asked', async () => {
    const { status, io, plane } = await runBraid('topic abandon orders --loglet 0', answers, { answer: 'y' })
    expect(status).toBe(exitCodes.usage)
    expect(io.questions).toEqual([])
    expect(plane.received).toMatchObject([
      { params: { topic: 'orders', loglet: '0' }, query: { dryRun: 'true' }, body: { confirm: false } },
    ])
    expect(io.err).toContain('price: up to 1200 records that were known to be there\n')
    expect(io.err).toContain('braid: loglet 0 of topic orders is not abandoned')
    expect(io.err).toContain('run it with --yes')
    expect(io.out).toBe('')
  })

  it('--dry-run names the price, and that is all', async () => {
    const { status, plane } = await runBraid('topic abandon orders --loglet 0 --dry-run --yes', answers)
    expect(status).toBe(exitCodes.ok)
    expect(plane.received[0]).toMatchObject({ query: { dryRun: 'true' }, body: { confirm: false } })
  })

  it('--yes does it', async () => {
    const { status, io, plane } = await runBraid(
      'topic abandon orders --loglet 0 --yes --tenant shop',
      answers,
    )
    expect(plane.received[0]).toMatchObject({ params: { tenant: 'shop' }, body: { confirm: true } })
    expect(io.out).toContain('loglet 0 of topic orders (orders.k1 on a) is abandoned\n')
    expect(status).toBe(exitCodes.ok)
  })

  it('of a loglet that is not lost is refused', async () => {
    const { status, io } = await runBraid('topic abandon orders --loglet 1 --yes', {
      'topics.abandon': new Refusal('LOGLET_NOT_LOST', 'loglet 1 of topic orders is active'),
    })
    expect(status).toBe(exitCodes.conflict)
    expect(io.err).toContain('braid topic show TOPIC')
  })
})

it('topic show marks what is lost, what returns, and what the policy means', async () => {
  const { io } = await runBraid('topic show orders', { 'topics.get': lostTopic })
  expect(io.out).toContain('when its cluster is lost: strict: producers go on elsewhere')
  expect(io.out).toContain(
    'loglet 0 is lost with a: braid cluster return a when it is back, or braid topic abandon orders --loglet 0\n',
  )
  expect(io.out).toContain('?: lost with its cluster, nobody knows where it ends')
  expect(io.out).toMatch(/^ +0 +0\.\.\? +3000000\.\.3000329 >$/m)
  expect(io.out).toMatch(/^ +1 +empty +3000000 >$/m)
  const [lost, active] = lostTopic.chain
  const returning = { ...lostTopic, chain: [{ ...lost!, state: 'returning' }, active!] }
  const back = await runBraid('topic show orders', { 'topics.get': returning })
  expect(back.io.out).toContain('loglet 0 returns: what orders.k1 on a has is being recovered')
})

it('lease list shows who may write, how far it follows, and what it sees down', async () => {
  const { io } = await runBraid('lease list', goodAnswers)
  expect(io.out).toMatch(
    /^proxy-1\.5f0e3a86 +proxy proxy-1 +default +11 +11 +120 ms +a for 740 ms +2026-11-23T10:00:03/m,
  )
  expect((await runBraid('lease list -o name', goodAnswers)).io.out).toBe('proxy-1.5f0e3a86\n')
})

it('monitor events lists findings; the evidence is in json', async () => {
  const { io, plane } = await runBraid('monitor events --limit 5', goodAnswers)
  expect(plane.received[0]!.query.limit).toBe('5')
  expect(io.out).toMatch(/error +CANARY_FAILING +cluster a +m-1 +no canary was acknowledged for 5 s/)
  const json = await runBraid('monitor events -o json', goodAnswers)
  expect(JSON.parse(json.io.out)[0].evidence).toEqual({ failed: 5, of: 5 })
})
