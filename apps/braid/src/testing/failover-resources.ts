import type { Failover, FailoverPlan, FailoverStatus, FailoverTopic, Lease } from '@braid/control-api'

const at = (ms: number): string => new Date(Date.parse('2026-11-23T10:00:00.000Z') + ms).toISOString()

export const failoverTopics: readonly FailoverTopic[] = [
  {
    tenant: 'default',
    topic: 'orders',
    policy: 'strict',
    from: { cluster: 'a', topic: 'orders.k1' },
    to: { cluster: 'b', topic: 'orders.k2' },
    reason: 'its standby on b answers',
    knownEnds: ['1200', '0'],
    base: '3000000',
    recovered: null,
  },
  {
    tenant: 'shop',
    topic: 'clicks',
    policy: 'none',
    from: { cluster: 'a', topic: 'clicks.k7' },
    to: null,
    reason: 'its class has no failover',
    knownEnds: null,
    base: null,
    recovered: null,
  },
]

export const failoverPlan: FailoverPlan = {
  cluster: 'a',
  topics: [...failoverTopics],
  homes: [
    { tenant: 'default', from: 'a', to: 'b', reason: 'its standby home' },
    { tenant: 'shop', from: 'a', to: null, reason: 'it has no standby home' },
  ],
  leases: 2,
  summary: '1 topic goes on on b, 1 waits; 1 home moves',
}

export const fencing: Failover = {
  id: 'f-7',
  kind: 'failover',
  cluster: 'a',
  by: 'automatic',
  reason: 'two vantage points saw it down for 1 s',
  votes: [
    { by: 'proxy proxy-1', state: 'down', forMs: 1_240, detail: 'connect ECONNREFUSED' },
    { by: 'control plane', state: 'down', forMs: 1_100, detail: null },
  ],
  state: 'running',
  step: 'FENCE',
  counts: { topics: 0, moved: 0, waiting: 0, homes: 0 },
  decisionToSwitchMs: null,
  fenceMs: null,
  routeVersion: null,
  error: null,
  createdAt: at(0),
  endedAt: null,
  revision: 3,
}

export const failedOver: Failover = {
  ...fencing,
  state: 'done',
  step: 'END',
  counts: { topics: 2, moved: 1, waiting: 1, homes: 1 },
  decisionToSwitchMs: 412.4,
  fenceMs: 386.2,
  routeVersion: 13,
  endedAt: at(412),
  revision: 6,
}

export const recovering: Failover = {
  ...fencing,
  id: 'f-8',
  kind: 'return',
  by: 'user:ann',
  reason: 'it is back',
  votes: [],
  step: 'RECOVER',
  counts: { topics: 1, moved: 1, waiting: 0, homes: 0 },
  routeVersion: 19,
  revision: 9,
}

export const returned: Failover = {
  ...recovering,
  state: 'done',
  step: 'END',
  counts: { topics: 1, moved: 1, waiting: 0, homes: 0 },
  endedAt: at(90_000),
  revision: 14,
}

export const returnTopics: readonly FailoverTopic[] = [
  {
    ...failoverTopics[0]!,
    reason: 'batches that stand twice are left out',
    recovered: { tail: 120, leftOut: 3, copied: 40, toCopy: 45 },
  },
]

export const failoverStatus: FailoverStatus = {
  settings: { automatic: true, quietMs: 600_000, downForMs: 1_000 },
  clusters: [
    {
      cluster: 'a',
      state: 'suspected',
      votes: [
        { by: 'proxy proxy-1', state: 'down', forMs: 740, detail: 'connect ECONNREFUSED' },
        { by: 'control plane', state: 'up', forMs: 180_000, detail: null },
      ],
      verdict: 'one vantage point sees it down, and two have to',
      topics: 12,
    },
    {
      cluster: 'b',
      state: 'up',
      votes: [{ by: 'control plane', state: 'up', forMs: 180_000, detail: null }],
      verdict: 'is well',
      topics: 3,
    },
  ],
  quietUntil: null,
  underway: [],
}

export const proxyLease: Lease = {
  id: 'proxy-1.5f0e3a86',
  kind: 'proxy',
  accessPoint: 'proxy-1',
  tenant: 'default',
  routeVersion: 11,
  settledVersion: 11,
  clusters: {
    a: { state: 'down', forMs: 740, detail: 'connect ECONNREFUSED' },
    b: { state: 'up', forMs: 180_000, detail: null },
  },
  mirrorLagMs: 120,
  endsAt: at(3_000),
}
