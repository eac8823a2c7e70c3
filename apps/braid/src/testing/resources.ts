import type { Migration, Topic } from '@braid/control-api'

/** Two partitions that moved a to b; partition 1 had no record when it was sealed. */
export const movedTopic: Topic = {
  tenant: 'default',
  name: 'orders',
  id: '5f0e3a86-3a4f-4d8a-9c5e-0a4d1d0f8a11',
  partitions: 2,
  maxMessageBytes: 1_048_588,
  sla: null,
  pinnedTo: null,
  standby: null,
  expected: { bytesInPerSecond: 0, readers: 1 },
  owner: null,
  contact: null,
  drift: [],
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
  group: 'm-7',
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

export const placement = { cluster: 'b', standby: null, stub: 'a', reasons: [], considered: [] }

/** Of a cluster of which nothing special was said. */
export const plainCluster = {
  security: null,
  tier: 'shared',
  dedicatedTo: null,
  labels: {},
  capacity: { bytesInPerSecond: null, bytesOutPerSecond: null, partitions: null },
  state: 'active',
  load: { bytesInPerSecond: 0, bytesOutPerSecond: 0, partitions: 0 },
  topics: 0,
}
