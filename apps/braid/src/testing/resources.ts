import type {
  Cluster,
  EndpointId,
  FleetPlan,
  Migration,
  MovePlan,
  Operation,
  Placement,
  Sla,
  Tenant,
  Topic,
  TopicRequest,
} from '@braid/control-api'
import {
  failedOver,
  failoverPlan,
  failoverStatus,
  failoverTopics,
  fencing,
  proxyLease,
  recovering,
} from './failover-resources.ts'
import type { Answer } from './fake-control-plane.ts'

/** Two partitions that moved a to b; partition 1 had no record when it was sealed. */
export const movedTopic: Topic = {
  tenant: 'default',
  name: 'orders',
  id: '5f0e3a86-3a4f-4d8a-9c5e-0a4d1d0f8a11',
  partitions: 2,
  maxMessageBytes: 1_048_588,
  sla: null,
  pinnedTo: null,
  failover: 'none',
  standby: null,
  expected: { bytesInPerSecond: 0, readers: 1 },
  owner: null,
  contact: null,
  drift: [],
  driftSince: null,
  configs: {},
  replicationFactor: null,
  placement: null,
  cluster: 'b',
  physicalTopic: 'orders.k2',
  homeTopic: 'orders.k1',
  loglets: 2,
  migration: null,
  createdAt: '2026-11-23T10:00:00.000Z',
  chain: [
    {
      cluster: 'a',
      topic: 'orders.k1',
      state: 'sealed',
      partitions: [
        { start: '0', end: '1200', base: '0' },
        { start: '0', end: '0', base: '0' },
      ],
    },
    {
      cluster: 'b',
      topic: 'orders.k2',
      state: 'active',
      partitions: [
        { start: '0', end: null, base: '1200' },
        { start: '0', end: null, base: '0' },
      ],
    },
  ],
  logEnds: ['1530', '0'],
}

/** a is lost with what `orders` has there, and nobody knows how far partition 0 of it reached. */
export const lostTopic: Topic = {
  ...movedTopic,
  failover: 'strict',
  standby: 'c',
  chain: [
    {
      cluster: 'a',
      topic: 'orders.k1',
      state: 'lost',
      partitions: [
        { start: '0', end: null, base: '0' },
        { start: '0', end: '0', base: '0' },
      ],
    },
    {
      cluster: 'b',
      topic: 'orders.k2',
      state: 'active',
      partitions: [
        { start: '0', end: null, base: '3000000' },
        { start: '0', end: null, base: '3000000' },
      ],
    },
  ],
  logEnds: ['3000330', '3000000'],
}

const at = (ms: number): string => new Date(Date.parse('2026-11-23T10:00:00.000Z') + ms).toISOString()

const attempt = (step: Migration['step'], startMs: number, endMs: number | null) => ({
  step,
  direction: 'do' as const,
  attempt: 1,
  startedAt: at(startMs),
  endedAt: endMs === null ? null : at(endMs),
  error: null,
})

export const sealingSince = Date.parse(at(196))

/** In SEAL: CHECK took 12 ms, PREPARE 184 ms. */
export const sealing: Migration = {
  id: 'm-7',
  group: 'g-7',
  operation: null,
  tenant: 'default',
  topic: 'orders',
  from: { cluster: 'a', topic: 'orders.k1' },
  to: { cluster: 'b', topic: 'orders.k2' },
  state: 'running',
  step: 'SEAL',
  attempts: [attempt('CHECK', 0, 12), attempt('PREPARE', 12, 196), attempt('SEAL', 196, null)],
  sealMs: null,
  switchMs: null,
  cuts: null,
  routeVersion: null,
  strays: [],
  cancelRequested: false,
  pauseRequested: false,
  error: null,
  createdAt: at(0),
  revision: 5,
}

export const switched: Migration = {
  ...sealing,
  state: 'switched',
  step: 'DRAIN',
  attempts: [
    attempt('CHECK', 0, 12),
    attempt('PREPARE', 12, 196),
    attempt('SEAL', 196, 232),
    attempt('SWITCH', 232, 235),
    attempt('DRAIN', 235, null),
  ],
  sealMs: 34.2,
  switchMs: 2.6,
  cuts: ['1200', '0'],
  routeVersion: 9,
  revision: 9,
}

export const clusterA: Cluster = {
  name: 'a',
  number: 1,
  bootstrap: ['k1:9092', 'k2:9092'],
  security: null,
  clusterId: 'x',
  tier: 'shared',
  dedicatedTo: null,
  labels: { region: 'eu-1' },
  capacity: { bytesInPerSecond: 50_000_000, bytesOutPerSecond: null, partitions: 400 },
  state: 'active',
  load: { bytesInPerSecond: 4_000_000, bytesOutPerSecond: 12_000_000, partitions: 36 },
  homeOf: ['default'],
  topics: 2,
  loglets: 3,
  registeredAt: at(0),
}

export const clusterB: Cluster = {
  ...clusterA,
  name: 'b',
  number: 2,
  homeOf: [],
  bootstrap: ['k3:9092'],
  labels: {},
}

export const gold: Sla = {
  name: 'gold',
  description: 'what must not stop',
  availability: { failover: 'strict' },
  durability: { replicationFactor: 3, minInSyncReplicas: 2, dual: false },
  latency: { dedicated: false, labels: { region: 'eu-1' } },
  retentionMaxMs: 604_800_000,
  topics: 4,
}

export const shop: Tenant = {
  name: 'shop',
  description: null,
  home: 'a',
  standbyHome: null,
  quotas: { topicsMax: 50, partitionsMax: null, bytesInPerSecondMax: 20_000_000 },
  policy: { slas: ['gold'], partitionsPerTopicMax: 24, retentionMaxMs: null, topicPrefix: null },
  owners: ['user:ann'],
  approvers: ['user:bo'],
  usage: { topics: 3, partitions: 36, bytesInPerSecond: 4_000_000 },
}

export const placement: Placement = {
  cluster: 'b',
  standby: 'c',
  stub: 'a',
  reasons: ['b has the least load of the clusters that fit', 'c is in another failure domain'],
  considered: [
    { cluster: 'b', verdict: 'chosen', reason: 'at 8 % of its bytes in with it' },
    { cluster: 'c', verdict: 'possible', reason: 'at 31 % of its bytes in with it' },
    { cluster: 'd', verdict: 'refused', reason: 'lacks the label region=eu-1 that gold asks for' },
  ],
}

export const drain: Operation = {
  id: 'o-7',
  kind: 'drain',
  title: 'drain of eu-1',
  cluster: 'eu-1',
  state: 'running',
  step: 'MOVE',
  concurrency: 10,
  counts: { waiting: 170, moving: 10, moved: 20, failed: 0, skipped: 0 },
  error: null,
  by: 'user:ann',
  createdAt: at(0),
  endedAt: null,
  revision: 4,
}

export const drained: Operation = {
  ...drain,
  state: 'done',
  counts: { waiting: 0, moving: 0, moved: 200, failed: 0, skipped: 0 },
  endedAt: at(60_000),
  revision: 9,
}

export const movePlan: MovePlan = {
  moves: [
    { tenant: 'default', topic: 'orders', from: 'eu-1', to: 'b', reason: 'b has the least load' },
    { tenant: 'shop', topic: 'clicks', from: 'eu-1', to: 'c', reason: 'kept with the topics of shop' },
  ],
  obstacles: [{ what: 'topic audit', reason: 'is pinned to eu-1' }],
  proposals: ['a read replica of clicks would serve 40 readers'],
  summary: '2 topics leave eu-1, 1 stays',
}

export const waitingRequest: TopicRequest = {
  id: 'r-7',
  tenant: 'shop',
  topic: {
    name: 'clicks',
    partitions: 12,
    sla: 'gold',
    replicationFactor: null,
    configs: {},
    expected: { bytesInPerSecond: 2_000_000, readers: 3 },
    owner: null,
    contact: null,
  },
  why: 'clickstream of the new shop',
  state: 'waiting',
  waitsFor: ['bytes in: 19 MB/s and 2 MB/s are above the quota of 20 MB/s'],
  approvers: ['user:bo'],
  by: 'user:ann',
  createdAt: at(0),
  decision: null,
  placement: null,
  error: null,
  revision: 1,
}

export const fleetPlan: FleetPlan = {
  basedOn: '0123456789abcdef',
  changes: [
    {
      action: 'create',
      kind: 'topic',
      name: 'shop/clicks',
      diff: [
        { path: 'partitions', before: null, after: 12 },
        { path: 'expected.bytesInPerSecond', before: null, after: 2_000_000 },
      ],
      placement,
      risks: [],
    },
    {
      action: 'update',
      kind: 'sla',
      name: 'gold',
      diff: [{ path: 'retentionMaxMs', before: 604_800_000, after: 86_400_000 }],
      placement: null,
      risks: ['4 topics keep records for longer than 1d now'],
    },
    {
      action: 'delete',
      kind: 'topic',
      name: 'default/old',
      diff: [],
      placement: null,
      risks: ['its records are deleted'],
    },
  ],
  moves: [{ tenant: 'default', topic: 'orders', from: 'a', to: 'b', reason: 'the file pins it to b' }],
  obstacles: [],
  unnamed: ['topic default/audit'],
}

const ofList = <T>(name: string, ...items: T[]) => ({ [name]: items, next: null })
const {
  chain: _,
  logEnds: __,
  configs: ___,
  placement: ____,
  replicationFactor: _____,
  ...summary
} = movedTopic
export const topicSummary = summary

const token = {
  id: 't-7',
  principal: 'user:ann',
  role: 'owner',
  tenant: 'shop',
  createdBy: 'user:root',
  createdAt: at(0),
  expiresAt: null,
} as const

/** A good answer for every endpoint. */
export const goodAnswers: Readonly<Record<EndpointId, Answer>> = {
  'clusters.list': ofList('clusters', clusterA, clusterB),
  'clusters.get': clusterA,
  'clusters.register': clusterB,
  'clusters.update': clusterA,
  'clusters.remove': undefined,
  'clusters.cordon': clusterA,
  'clusters.uncordon': clusterA,
  'clusters.drain': ({ query }: { query: { dryRun?: string } }) => ({
    operation: query.dryRun === 'true' ? null : drain,
    plan: movePlan,
  }),
  'failovers.start': ({ query }: { query: { dryRun?: string } }) => ({
    failover: query.dryRun === 'true' ? null : fencing,
    plan: failoverPlan,
  }),
  'clusters.return': ({ query }: { query: { dryRun?: string } }) => ({
    failover: query.dryRun === 'true' ? null : recovering,
    plan: failoverPlan,
  }),
  'failovers.list': ofList('failovers', failedOver),
  'failovers.get': failedOver,
  'failovers.topics': ofList('topics', ...failoverTopics),
  'failovers.cancel': { ...fencing, state: 'undoing' },
  'failovers.status': failoverStatus,
  'failovers.configure': failoverStatus.settings,
  'slas.list': ofList('slas', gold),
  'slas.get': gold,
  'slas.put': gold,
  'slas.remove': undefined,
  'tenants.list': ofList('tenants', shop),
  'tenants.get': shop,
  'tenants.put': shop,
  'tenants.remove': undefined,
  'topics.list': ofList('topics', topicSummary),
  'topics.get': movedTopic,
  'topics.create': ({ query }: { query: { dryRun?: string } }) => ({
    topic: query.dryRun === 'true' ? null : movedTopic,
    placement,
  }),
  'topics.update': movedTopic,
  'topics.adopt': movedTopic,
  'topics.abandon': ({ body }: { body: unknown }) => ({
    cluster: 'a',
    topic: 'orders.k1',
    recordsKnown: 1_200,
    price: 'up to 1200 records that were known to be there',
    done: (body as { confirm?: boolean }).confirm === true,
  }),
  'topics.delete': undefined,
  'requests.create': waitingRequest,
  'requests.list': ofList('requests', waitingRequest),
  'requests.get': waitingRequest,
  'requests.approve': { ...waitingRequest, state: 'fulfilled' },
  'requests.deny': { ...waitingRequest, state: 'denied' },
  'requests.withdraw': { ...waitingRequest, state: 'withdrawn' },
  'migrations.start': { migrations: [sealing] },
  'migrations.list': ofList('migrations', switched),
  'migrations.get': switched,
  'migrations.cancel': sealing,
  'migrations.pause': { ...sealing, pauseRequested: true },
  'migrations.resume': sealing,
  'migrations.retry': { migrations: [sealing] },
  'operations.rebalance': ({ query }: { query: { dryRun?: string } }) => ({
    operation: query.dryRun === 'true' ? null : { ...drain, kind: 'rebalance', title: 'rebalance' },
    plan: movePlan,
  }),
  'operations.list': ofList('operations', drain),
  'operations.get': drained,
  'operations.moves': ofList('moves', {
    ...movePlan.moves[0]!,
    state: 'moving',
    migration: 'm-7',
    error: null,
  }),
  'operations.pause': { ...drain, state: 'paused' },
  'operations.resume': drain,
  'operations.cancel': { ...drain, state: 'cancelling' },
  'operations.retry': drain,
  'fleet.export': {
    revision: '0123456789abcdef',
    fleet: { version: 1, slas: [{ name: 'gold', retentionMaxMs: 604_800_000 }] },
  },
  'fleet.plan': fleetPlan,
  'fleet.apply': { plan: fleetPlan, operation: { ...drain, kind: 'apply', title: 'apply' } },
  'accessPoints.list': ofList('accessPoints', {
    id: 'dev',
    number: 1,
    bootstrap: '127.0.0.1:9092',
    listeners: { a: '127.0.0.1:9093' },
    routeVersion: 7,
    leaseEndsAt: at(0),
  }),
  'accessPoints.renew': { id: 'dev', number: 1, leaseMs: 10_000, routeVersion: 7 },
  'accessPoints.remove': undefined,
  'leases.renew': { leaseMs: 3_000, routeVersion: 7 },
  'leases.end': undefined,
  'leases.list': ofList('leases', proxyLease),
  'monitors.report': { routeVersion: 7, accepted: 0 },
  'monitors.events': ofList('events', {
    monitor: 'm-1',
    id: 'e-7',
    at: at(0),
    kind: 'CANARY_FAILING',
    cluster: 'a',
    accessPoint: null,
    tenant: null,
    topic: null,
    group: null,
    severity: 'error',
    detail: 'no canary was acknowledged for 5 s',
    evidence: { failed: 5, of: 5 },
  }),
  'tokens.create': { ...token, secret: 'brd_t7_secret' },
  'tokens.list': ofList('tokens', token),
  'tokens.revoke': undefined,
  'whoami.get': { principal: 'user:ann', role: 'operator', tenant: null, by: 'token' },
  'audit.list': ofList('entries', {
    number: 7,
    at: at(0),
    principal: 'user:ann',
    role: 'operator',
    from: '10.0.0.7',
    action: 'topics.create',
    tenant: 'shop',
    what: 'topic clicks',
    outcome: 'done',
    code: null,
    diff: [{ path: 'partitions', before: null, after: 12 }],
  }),
  'doctor.run': {
    at: at(0),
    findings: [
      { code: 'OK', severity: 'ok', subject: 'cluster a', detail: 'answers in 3 ms', fix: null },
      {
        code: 'CLOCK_SKEW',
        severity: 'warning',
        subject: 'cluster b',
        detail: 'its clock is 4 s behind',
        fix: 'let it follow a time server',
      },
    ],
    counts: { ok: 1, warning: 1, error: 0 },
  },
  'backup.create': { file: '/var/lib/braid/backups/x.db', bytes: 1_234_567 },
}
