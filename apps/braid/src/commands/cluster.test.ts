import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import { Refusal } from '../testing/fake-control-plane.ts'
import { clusterA, drain, drained, gold, goodAnswers, movePlan, shop } from '../testing/resources.ts'
import { runBraid } from '../testing/run-braid.ts'

describe('cluster', () => {
  it('list shows load of capacity in units', async () => {
    const { io } = await runBraid('cluster list', { 'clusters.list': { clusters: [clusterA], next: null } })
    expect(io.out).toMatch(/a +active +shared +yes +2 +4 MB\/s of 50 MB\/s +36 of 400 +k1:9092,k2:9092/)
  })

  it('add sends brokers, labels and capacity, and says when it is home', async () => {
    const { io, body } = await runBraid(
      'cluster add a k1:9092,k2:9092 --partitions-max 400 --bytes-in-max 50MB/s --bytes-out-max none --label region=eu-1 --label rack=7',
      { 'clusters.register': clusterA },
    )
    expect(body).toEqual({
      name: 'a',
      bootstrap: ['k1:9092', 'k2:9092'],
      labels: { region: 'eu-1', rack: '7' },
      capacity: { bytesInPerSecond: 50_000_000, bytesOutPerSecond: null, partitions: 400 },
    })
    expect(io.out).toContain('cluster a is registered, and is home')
  })

  it('update keeps the labels and limits that it does not name', async () => {
    const { body } = await runBraid(
      'cluster update a --label rack=7 --remove-label region --partitions-max none',
      {
        'clusters.get': clusterA,
        'clusters.update': clusterA,
      },
    )
    expect(body).toEqual({
      labels: { rack: '7' },
      capacity: { bytesInPerSecond: 50_000_000, bytesOutPerSecond: null, partitions: null },
    })
  })

  it.each([
    ['cluster add a k:1 --tier dedicated', 'to whom?'],
    ['cluster add a k:1 --tier read --dedicated-to shop', 'goes with --tier dedicated'],
    ['cluster add a k:1 --bytes-in-max 5Mb/s', 'write a rate as 5MB/s'],
    ['cluster add a k:1 --label x', 'It is written name=value.'],
  ])('%s: %s', async (line, why) => {
    const { status, io, asked } = await runBraid(line)
    expect(status).toBe(exitCodes.usage)
    expect(io.err).toContain(why)
    expect(asked).toEqual([])
  })
})

describe('cluster drain', () => {
  const answers = { 'clusters.drain': goodAnswers['clusters.drain'], 'operations.get': drained }

  it('--dry-run prints the moves with their reasons and what is in the way, and starts nothing', async () => {
    const { io, plane } = await runBraid('cluster drain eu-1 --dry-run', answers)
    expect(plane.received.map(({ query }) => query)).toEqual([{ dryRun: 'true' }])
    expect(io.out).toBe(`\
2 topics leave eu-1, 1 stays

TOPIC         FROM   TO   REASON
orders        eu-1   b    b has the least load
shop/clicks   eu-1   c    kept with the topics of shop

In the way:
  topic audit: is pinned to eu-1

Would help more:
  a read replica of clicks would serve 40 readers
`)
  })

  it('shows the plan, asks, starts, and follows it to its end', async () => {
    const { io, plane, status } = await runBraid('cluster drain eu-1 --concurrency 20', answers, {
      answer: 'yes',
    })
    expect(plane.received.slice(0, 2).map(({ query, body }) => [query.dryRun, body])).toEqual([
      ['true', { concurrency: 20 }],
      ['false', { concurrency: 20 }],
    ])
    expect(io.questions).toEqual(['Drain cluster eu-1: 2 moves? [y/N] '])
    expect(io.err).toContain('kept with the topics of shop')
    expect(io.out).toContain('drain of eu-1: running, 20 of 200 moved, 10 moving now\n')
    expect(io.out).toContain('drain of eu-1: done, 200 of 200 moved')
    expect(status).toBe(exitCodes.ok)
  })

  it('where nobody can be asked it is not started', async () => {
    const { status, plane } = await runBraid('cluster drain eu-1', answers)
    expect(status).toBe(exitCodes.usage)
    expect(plane.received.map(({ query }) => query.dryRun)).toEqual(['true'])
  })

  it('Ctrl-C leaves it running, and says how to watch, hold and end it', async () => {
    const { status, io } = await runBraid(
      'cluster drain eu-1 --yes',
      { ...answers, 'operations.get': () => new Promise((resolve) => setTimeout(() => resolve(drain), 200)) },
      { stopAfterMs: 50 },
    )
    expect(status).toBe(exitCodes.interrupted)
    for (const word of [
      'operation o-7 (drain of eu-1) goes on',
      'operation wait o-7',
      'operation pause o-7',
    ]) {
      expect(io.err).toContain(word)
    }
  })

  it('that fails says why; one that is paused says how to go on', async () => {
    const failed = { ...drain, state: 'failed', error: { code: 'NO_PLACE', detail: 'no cluster fits audit' } }
    const first = await runBraid('cluster drain eu-1 --yes', { ...answers, 'operations.get': failed })
    expect(first.status).toBe(exitCodes.conflict)
    expect(first.io.err).toContain('no cluster fits audit')
    const paused = { ...drain, state: 'paused' }
    const second = await runBraid('operation wait o-7', { 'operations.get': paused })
    expect(second.status).toBe(exitCodes.failed)
    expect(second.io.err).toContain('braid operation resume o-7')
  })

  it('--detach does not wait, and -o json prints the operation alone', async () => {
    const detached = await runBraid('cluster drain eu-1 --yes --detach', answers)
    expect(detached.asked).toEqual(['clusters.drain'])
    expect(detached.io.out).toBe('drain of eu-1 is started: `braid operation wait o-7`\n')
    const json = await runBraid('cluster drain eu-1 --yes -o json', answers)
    expect(JSON.parse(json.io.out)).toEqual(drained)
    expect(json.io.err).toContain('20 of 200 moved')
  })

  it('of a cluster on which nothing moves on a terminal is redrawn in place', async () => {
    const { io } = await runBraid(
      'cluster drain eu-1 --yes',
      { ...answers, 'operations.moves': goodAnswers['operations.moves'] },
      { isTTY: true, columns: 100 },
    )
    expect(io.out).toContain('[##..................] 20 of 200 moved')
    expect(io.out).toContain('\x1b[2A\r')
  })
})

describe('rebalance', () => {
  it('sends its bounds', async () => {
    const { body } = await runBraid('rebalance --dry-run --moves-max 20 --threshold 0.2', {
      'operations.rebalance': { operation: null, plan: movePlan },
    })
    expect(body).toEqual({ movesMax: 20, threshold: 0.2 })
  })
})

describe('sla set, tenant set', () => {
  it('of one that is new takes the defaults for what is not named', async () => {
    const { body } = await runBraid('sla set gold --failover strict --retention-max 7d', {
      'slas.get': new Refusal('UNKNOWN_SLA', 'no'),
      'slas.put': gold,
    })
    expect(body).toEqual({
      name: 'gold',
      availability: { failover: 'strict' },
      durability: {},
      latency: {},
      retentionMaxMs: 604_800_000,
    })
  })

  it('of one that is there keeps what is not named', async () => {
    const { body } = await runBraid('sla set gold --retention-max none', {
      'slas.get': gold,
      'slas.put': gold,
    })
    const { topics: _, ...spec } = gold
    expect(body).toEqual({ ...spec, retentionMaxMs: null })
    const tenant = await runBraid('tenant set shop --topics-max none --owner user:cy --owner user:di', {
      'tenants.get': shop,
      'tenants.put': shop,
    })
    const { usage: __, description: ___, ...before } = shop
    expect(tenant.body).toEqual({
      ...before,
      quotas: { ...shop.quotas, topicsMax: null },
      owners: ['user:cy', 'user:di'],
    })
  })

  it('of a new tenant asks for its home', async () => {
    const { status, io } = await runBraid('tenant set web', {
      'tenants.get': new Refusal('UNKNOWN_TENANT', 'no'),
    })
    expect(status).toBe(exitCodes.usage)
    expect(io.err).toContain('--home CLUSTER')
  })
})

describe('cluster add --security-file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'braid-security-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'eu-1.yaml')

  it('sends how it is connected to, with references to secrets', async () => {
    const security = {
      protocol: 'SASL_SSL',
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'braid', password: 'env:EU_1_PASSWORD' },
      tls: { ca: 'file:/etc/braid/ca.pem' },
    }
    writeFileSync(file, JSON.stringify(security))
    const { body } = await runBraid(`cluster add eu-1 k:9093 --security-file ${file}`, {
      'clusters.register': clusterA,
    })
    expect(body).toMatchObject({ security })
  })

  it('refuses a secret that stands there itself, by its line, and never shows it', async () => {
    writeFileSync(
      file,
      'protocol: SASL_SSL\nsasl:\n  mechanism: PLAIN\n  username: braid\n  password: hunter2\n',
    )
    const { status, io, asked } = await runBraid(`cluster add eu-1 k:9093 --security-file ${file}`)
    expect(status).toBe(exitCodes.usage)
    expect(io.err).toContain(`${file}:5:13: `)
    expect(io.err).toContain('env:NAME or file:/path')
    expect(io.err).not.toContain('hunter2')
    expect(asked).toEqual([])
  })
})
