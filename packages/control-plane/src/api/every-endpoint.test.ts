// What holds for every endpoint of the table, asked of each of them.
import { type Endpoint, type EndpointId, endpoints } from '@braid/control-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SecuredPlane, startSecuredPlane } from '../testing/secured-plane.ts'
import { isWrite } from './serve.ts'

const all = Object.keys(endpoints) as EndpointId[]
const topic = { name: 'payments', partitions: 1 }

/** A request that would do, for each endpoint that takes a body. */
const bodies: Partial<Record<EndpointId, Record<string, unknown>>> = {
  'clusters.register': {
    name: 'c',
    bootstrap: ['c:9092'],
    tier: 'dedicated',
    dedicatedTo: 'shop',
    labels: { region: 'eu-1' },
  },
  'clusters.update': { bootstrap: ['a:9092'], tier: 'dedicated', dedicatedTo: 'shop' },
  'clusters.drain': {},
  'slas.put': { name: 'gold', description: 'the best', latency: { labels: { region: 'eu-1' } } },
  'tenants.put': {
    name: 'shop',
    description: 'a shop',
    home: 'a',
    standbyHome: 'b',
    owners: ['user:ann'],
    approvers: ['user:bob'],
    policy: { slas: ['gold'], topicPrefix: 'shop.' },
  },
  'topics.create': { ...topic, sla: 'gold', cluster: 'a', owner: 'ann', contact: 'ann@example.org' },
  'topics.update': { sla: 'gold', cluster: 'a', owner: 'ann', contact: 'ann@example.org' },
  'topics.adopt': { name: 'old', cluster: 'a', sla: 'gold', owner: 'ann', contact: 'ann@example.org' },
  'requests.create': { topic: { ...topic, sla: 'gold', owner: 'ann', contact: 'x' }, why: 'we need it' },
  'requests.approve': { reason: 'fine' },
  'requests.deny': { reason: 'no' },
  'migrations.start': { tenant: 'shop', topics: ['orders'], to: 'b' },
  'operations.rebalance': {},
  'fleet.plan': {
    fleet: { version: 1, topics: [{ ...topic, tenant: 'shop' }], tenants: [{ name: 'x', home: 'a' }] },
  },
  'fleet.apply': { fleet: { version: 1, slas: [{ name: 'gold' }] }, basedOn: '0123456789abcdef' },
  'accessPoints.renew': { bootstrap: 'h:1', listeners: { a: 'h:2' }, routeVersion: 0 },
  'failovers.start': { reason: 'the site burns' },
  'failovers.configure': { automatic: false },
  'clusters.return': {},
  'topics.abandon': {},
  'leases.renew': {
    kind: 'proxy',
    accessPoint: 'p-1',
    tenant: 'shop',
    routeVersion: 0,
    settledVersion: 0,
    clusters: { a: { state: 'up', forMs: 1, detail: null } },
  },
  'monitors.report': {
    clusters: { a: { state: 'down', forMs: 1, detail: null } },
    events: [],
  },
  'tokens.create': { principal: 'user:ann', role: 'viewer', tenant: 'shop' },
  'backup.create': { file: 'a.db' },
}
/** Words that people wrote, and beginnings of names: dots are theirs. */
const texts = /(?:description|owner|contact|why|reason|topicPrefix)$/

function pathOf(id: EndpointId, params: Readonly<Record<string, string>> = {}): string {
  const known: Record<string, string> = {
    cluster: 'a',
    sla: 'gold',
    tenant: 'shop',
    topic: 'orders',
    loglet: '0',
    id: 'x',
    ...params,
  }
  return endpoints[id].path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(known[name]!))
}

const paramsOf = (id: EndpointId) => [...endpoints[id].path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)

/** One for the whole file: nothing in it changes anything. */
let plane: SecuredPlane
const ends: (() => void | Promise<void>)[] = []
const tokens: Record<string, string> = {}

describe('every endpoint', () => {
  beforeAll(async () => {
    plane = await startSecuredPlane({}, (end) => void ends.unshift(end))
    for (const [name, role, tenant] of [
      ['viewer', 'viewer', null],
      ['viewer of shop', 'viewer', 'shop'],
      ['owner of bank', 'owner', 'bank'],
      ['access-point of bank', 'access-point', 'bank'],
    ] as const) {
      tokens[name] = (await plane.as({ principal: name.replaceAll(' ', '-'), role, tenant })).token
    }
  })

  afterAll(async () => {
    for (const end of ends) await end()
  })

  test('is registered, and in the document', async () => {
    const { body } = await plane.ask('GET', '/openapi.json', { token: null })
    const documented = Object.values(
      body.paths as Record<string, Record<string, { operationId: string }>>,
    ).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId))
    expect(all.filter((id) => !documented.includes(id))).toEqual([])
  })

  test.for(all)('%s: nobody without credentials', async (id) => {
    const { method } = endpoints[id]
    for (const token of [
      null,
      'brd_aaaaaaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      'nonsense',
      '',
    ]) {
      const answer = await plane.ask(method, pathOf(id), { token, body: bodies[id] })
      expect([token, answer.status, answer.problem.code]).toEqual([token, 401, 'UNAUTHENTICATED'])
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
  })

  const forViewers: readonly EndpointId[] = all.filter((id) => endpoints[id].access === 'reader')
  test.for(all.filter((id) => isWrite(id) && !forViewers.includes(id)))('%s: no viewer', async (id) => {
    const { method, access } = endpoints[id]
    for (const token of [tokens.viewer, tokens['viewer of shop']]) {
      const answer = await plane.ask(method, pathOf(id), { token, body: bodies[id] })
      expect([answer.status, answer.problem.code]).toEqual([403, 'FORBIDDEN'])
      expect(answer.problem.detail).toContain(access)
    }
  })

  test.for(all.filter((id) => paramsOf(id).includes('tenant')))(
    '%s: of another tenant is as of none',
    async (id) => {
      const { method } = endpoints[id]
      for (const token of [tokens['owner of bank'], tokens['access-point of bank']]) {
        const others = await plane.ask(method, pathOf(id), { token, body: bodies[id] })
        const nobodys = await plane.ask(method, pathOf(id, { tenant: 'nowhere' }), {
          token,
          body: bodies[id],
        })
        expect([others.status, others.problem.code]).toEqual([404, 'UNKNOWN_TENANT'])
        expect({ ...others.problem, detail: others.problem.detail.replaceAll('shop', '?') }).toEqual({
          ...nobodys.problem,
          detail: nobodys.problem.detail.replaceAll('nowhere', '?'),
        })
      }
    },
  )

  const hostile = ['../x', '..', 'x'.repeat(300), 'a\u0000\u001b[31m', 'a/b\\c', ' ', '%2e%2e']
  test.for(all.filter((id) => paramsOf(id).length > 0))('%s: no hostile name in its address', async (id) => {
    const { method } = endpoints[id]
    for (const param of paramsOf(id)) {
      for (const name of hostile) {
        const path = pathOf(id, { [param]: name })
        const answer = await plane.ask(method, path, { body: bodies[id] })
        // A URL has no `..`, escaped or not: what is left is another address.
        const allowed = name === '..' ? [400, 404, 405] : [400]
        expect(allowed, `${method} ${path}`).toContain(answer.status)
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      }
    }
  })

  test.for(Object.keys(bodies) as EndpointId[])('%s: no hostile name in its body', async (id) => {
    const { method } = endpoints[id]
    for (const [where, put] of textsIn(bodies[id]!)) {
      for (const name of texts.test(where) ? ['a\u0000\u001b[31m', 'x'.repeat(300)] : hostile) {
        const answer = await plane.ask(method, pathOf(id), { body: put(name) })
        expect([where, name, answer.status, answer.problem.code]).toEqual([where, name, 400, 'BAD_REQUEST'])
        expect(answer.problem.fields?.length).toBeGreaterThan(0)
      }
    }
  })

  test('every endpoint with a body has one here', () => {
    const without = all.filter(
      (id) => (endpoints[id] as Endpoint).body !== undefined && bodies[id] === undefined,
    )
    expect(without).toEqual([])
  })
})

/** Every text in a body, and how to put another in its place. */
function textsIn(value: unknown, where = ''): [where: string, put: (text: string) => unknown][] {
  if (typeof value === 'string') return [[where, (text) => text]]
  if (Array.isArray(value)) {
    return value.flatMap((one, i) =>
      textsIn(one, `${where}.${i}`).map(
        ([at, put]) =>
          [at, (text: string) => value.with(i, put(text))] as [string, (text: string) => unknown],
      ),
    )
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) =>
    textsIn(one, `${where}.${key}`).map(
      ([at, put]) =>
        [at, (text: string) => ({ ...value, [key]: put(text) })] as [string, (text: string) => unknown],
    ),
  )
}
