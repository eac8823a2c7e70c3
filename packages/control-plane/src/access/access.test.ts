import { readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { ControlPlaneClient } from '@braid/control-api'
import { describe, expect, test, vi } from 'vitest'
import { startControlPlane } from '../start.ts'
import { openSqlite } from '../store/sqlite.ts'
import { Store } from '../store/store.ts'
import { adminToken, startSecuredPlane } from '../testing/secured-plane.ts'
import { callerOfToken, makeToken } from './tokens.ts'

describe('tokens', () => {
  test('are shown once, and kept as hashes', async () => {
    const plane = await startSecuredPlane()
    const { token, id } = await plane.as({ principal: 'user:ann', role: 'viewer' })
    expect(token).toMatch(/^brd_[a-z0-5]{12}_[A-Za-z0-9_-]{43}$/)
    expect(await plane.admin.tokens.list()).toContainEqual(
      expect.objectContaining({ id, principal: 'user:ann', role: 'viewer', tenant: null, expiresAt: null }),
    )
    const written = JSON.stringify([
      await plane.admin.tokens.list(),
      await plane.admin.audit.list({ limit: 1_000 }),
    ])
    expect(written).not.toContain(token.slice(17))
    expect(written).not.toContain(adminToken)
  })

  test('end at once when they are revoked', async () => {
    const plane = await startSecuredPlane()
    const { client, id } = await plane.as({ principal: 'user:ann', role: 'operator' })
    expect(await client.whoami()).toEqual({
      principal: 'user:ann',
      role: 'operator',
      tenant: null,
      by: 'token',
    })
    await plane.admin.tokens.revoke(id)
    await expect(client.whoami()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
    await expect(plane.admin.tokens.revoke(id)).rejects.toMatchObject({ code: 'UNKNOWN_TOKEN' })
  })

  test('end at their time; a wrong secret, a wrong id and half a token are nobody', async () => {
    const store = await Store.open(openSqlite(':memory:'))
    const { row, secret } = makeToken(
      { principal: 'user:ann', role: 'viewer', tenant: null, expiresInDays: 1 },
      'admin',
      1_000,
    )
    await store.tokens.add(row)
    const dayMs = 24 * 60 * 60 * 1_000
    expect(await callerOfToken(store, secret, 1_000 + dayMs - 1)).toMatchObject({ principal: 'user:ann' })
    expect(await callerOfToken(store, secret, 1_000 + dayMs)).toBeUndefined()
    const other = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')
    for (const wrong of [
      other,
      secret.slice(0, 30),
      secret.replace(row.id, 'abcdefghijkl'),
      '',
      `${secret} `,
    ]) {
      expect(await callerOfToken(store, wrong, 1_000), wrong).toBeUndefined()
    }
    await store.close()
  })

  test('of a tenant go with it', async () => {
    const plane = await startSecuredPlane()
    const { client } = await plane.as({ principal: 'user:bob', role: 'owner', tenant: 'bank' })
    await plane.admin.tenants.remove('bank')
    await plane.admin.tenants.put({ name: 'bank', home: 'a' })
    await expect(client.whoami()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(plane.as({ principal: 'x', role: 'owner', tenant: 'nowhere' })).rejects.toMatchObject({
      code: 'UNKNOWN_TENANT',
    })
  })
})

describe('the first token', () => {
  test('is made at the first start, where only its reader can read it, and not again', async () => {
    const warned: string[] = []
    const log = (_: string, event: string, fields: object) =>
      void warned.push(`${event} ${JSON.stringify(fields)}`)
    const { mkdtempSync } = await import('node:fs')
    const { tmpdir } = await import('node:os')
    const dataDir = mkdtempSync(join(tmpdir(), 'braid-first-'))
    vi.stubEnv('BRAID_ADMIN_TOKEN', undefined)
    const first = await startControlPlane({ port: 0, dataDir, auth: 'tokens', log })
    const file = join(dataDir, 'admin-token')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const token = readFileSync(file, 'utf8').trim()
    const whoami = await new ControlPlaneClient({ url: first.url, token }).whoami()
    expect(whoami).toMatchObject({ principal: 'admin', role: 'admin' })
    await first.close()
    const again = await startControlPlane({ port: 0, dataDir, auth: 'tokens', log })
    expect(await new ControlPlaneClient({ url: again.url, token }).whoami()).toMatchObject({ role: 'admin' })
    await again.close()
    expect(warned.filter((line) => line.startsWith('access.admin-token-made'))).toHaveLength(1)
    expect(warned.join('\n')).not.toContain(token)
  })

  test('that is set counts from then on; a weak one is refused', async () => {
    const plane = await startSecuredPlane()
    const other = 'another-token-of-the-same-administrator'
    const again = await plane.restart({ adminToken: other })
    expect((await again.ask('GET', '/v1/whoami', { token: other })).status).toBe(200)
    expect((await again.ask('GET', '/v1/whoami', { token: adminToken })).status).toBe(401)
    await again.close()
    await expect(
      startControlPlane({ port: 0, databaseFile: ':memory:', auth: 'tokens', adminToken: 'short' }),
    ).rejects.toThrow(/at least 32/)
  })
})

test('beyond loopback somebody is asked who they are, unless it is said otherwise', async () => {
  const open = { host: '0.0.0.0', port: 0, databaseFile: ':memory:' } as const
  await expect(startControlPlane(open)).rejects.toThrow(/ask nobody who they are/)
  // Asked for in so many words. It listens on an address that is never left.
  await (await startControlPlane({ ...open, host: '127.0.0.2', allowAnonymous: true })).close()
})

describe('roles', () => {
  test('an owner has its tenant, and sees no other', async () => {
    const plane = await startSecuredPlane()
    await plane.admin.topics.create({ name: 'ledger', partitions: 1 }, { tenant: 'bank' })
    const { client: ann } = await plane.as({ principal: 'user:ann', role: 'owner', tenant: 'shop' })
    expect((await ann.tenants.list()).map(({ name }) => name)).toEqual(['shop'])
    expect((await ann.clusters.list()).map(({ homeOf }) => homeOf)).toEqual([['shop'], []])
    expect((await ann.topics.create({ name: 'mine', partitions: 1 }, { tenant: 'shop' })).topic.name).toBe(
      'mine',
    )
    await expect(ann.topics.get('ledger', { tenant: 'bank' })).rejects.toMatchObject({
      code: 'UNKNOWN_TENANT',
    })
    await expect(ann.tenants.put({ name: 'shop', home: 'a' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const entries = (await ann.audit.list()).entries
    expect(new Set(entries.map(({ tenant }) => tenant))).toEqual(new Set(['shop']))
    expect((await ann.audit.list({ tenant: 'bank' })).entries).toEqual([])
  })

  test('of another tenant a migration is as one that is not there', async () => {
    const plane = await startSecuredPlane()
    const [{ id }] = await plane.admin.migrations.start({ tenant: 'shop', topics: ['orders'], to: 'b' })
    const { token } = await plane.as({ principal: 'user:bob', role: 'viewer', tenant: 'bank' })
    const others = await plane.ask('GET', `/v1/migrations/${id}`, { token })
    const nobodys = await plane.ask('GET', '/v1/migrations/nothere', { token })
    expect(others.status).toBe(404)
    expect(others.problem.detail.replace(id, '?')).toBe(nobodys.problem.detail.replace('nothere', '?'))
    expect((await plane.ask('GET', '/v1/migrations', { token })).body).toEqual({ migrations: [], next: null })
  })

  test('a cluster that is dedicated to another tenant is not there', async () => {
    const plane = await startSecuredPlane()
    await plane.admin.clusters.update('b', { tier: 'dedicated', dedicatedTo: 'bank' })
    const { client, token } = await plane.as({ principal: 'user:ann', role: 'owner', tenant: 'shop' })
    expect((await client.clusters.list()).map(({ name }) => name)).toEqual(['a'])
    const others = await plane.ask('GET', '/v1/clusters/b', { token })
    const nobodys = await plane.ask('GET', '/v1/clusters/q', { token })
    expect(others.problem.detail.replaceAll('b', 'q')).toBe(nobodys.problem.detail.replaceAll('b', 'q'))
    const { placement } = await client.topics.create(
      { name: 'x', partitions: 1 },
      { tenant: 'shop', dryRun: true },
    )
    expect(placement.considered.map(({ cluster }) => cluster)).toEqual(['a'])
  })

  test('whom a tenant lists among its owners is its owner', async () => {
    const plane = await startSecuredPlane()
    const { client } = await plane.as({ principal: 'user:ann', role: 'viewer', tenant: 'bank' })
    const create = () => client.topics.create({ name: 'mine', partitions: 1 }, { tenant: 'shop' })
    await expect(create()).rejects.toMatchObject({ code: 'UNKNOWN_TENANT' })
    await plane.admin.tenants.put({ name: 'shop', home: 'a', owners: ['user:ann'] })
    expect((await create()).topic.tenant).toBe('shop')
    expect((await client.tenants.list()).map(({ name }) => name)).toEqual(['bank', 'shop'])
    await expect(
      client.topics.create({ name: 'mine', partitions: 1 }, { tenant: 'bank' }),
    ).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
    await plane.admin.tenants.put({ name: 'shop', home: 'a' })
    await expect(client.topics.get('mine', { tenant: 'shop' })).rejects.toMatchObject({
      code: 'UNKNOWN_TENANT',
    })
  })

  test('an access point holds its lease and makes topics for its clients, and nothing else', async () => {
    const plane = await startSecuredPlane()
    const { client } = await plane.as({ principal: 'proxy-1', role: 'access-point', tenant: 'shop' })
    await client.accessPoints.renew({ id: 'p1', bootstrap: 'h:1', listeners: {}, routeVersion: 0 })
    await client.topics.create({ name: 'theirs', partitions: 1 }, { tenant: 'shop' })
    await client.topics.delete('theirs', { tenant: 'shop' })
    for (const refused of [
      () => client.topics.update('orders', { owner: 'me' }, { tenant: 'shop' }),
      () => client.migrations.start({ tenant: 'shop', topics: ['orders'], to: 'b' }),
      () => client.audit.list(),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: 'FORBIDDEN', status: 403 })
    }
  })
})

describe('the route feed', () => {
  async function read(url: string, token: string | undefined, query = '') {
    const { hostname, port } = new URL(url)
    const asked = request({
      hostname,
      port,
      path: `/v1/routes${query}`,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    })
    asked.on('error', () => {})
    asked.end()
    const { promise, resolve } = Promise.withResolvers<{
      status: number
      text: () => string
      ended: Promise<void>
    }>()
    asked.on('response', (response) => {
      let text = ''
      const ended = new Promise<void>((end) => response.on('close', end))
      response.on('data', (chunk: Buffer) => (text += chunk))
      response.on('error', () => {})
      resolve({ status: response.statusCode!, text: () => text, ended })
    })
    const answer = await promise
    return { ...answer, stop: () => asked.destroy() }
  }

  test('is for who has a role, of the tenants that it sees', async () => {
    const plane = await startSecuredPlane()
    await plane.admin.topics.create({ name: 'ledger', partitions: 1 }, { tenant: 'bank' })
    expect((await read(plane.url, undefined)).status).toBe(401)
    const { token } = await plane.as({ principal: 'proxy-1', role: 'access-point', tenant: 'shop' })
    expect((await read(plane.url, token, '?tenants=bank')).status).toBe(404)
    const feed = await read(plane.url, token)
    await expect.poll(() => feed.text()).toContain('orders')
    expect(feed.text()).not.toContain('ledger')
    feed.stop()
    const whole = await read(plane.url, adminToken)
    await expect.poll(() => whole.text()).toContain('ledger')
    whole.stop()
  })

  test('ends when its token is revoked, and goes on for others', async () => {
    const plane = await startSecuredPlane({ timings: { credentialsCheckMs: 20 } })
    const { token, id } = await plane.as({ principal: 'proxy-1', role: 'access-point' })
    const [feed, other] = [await read(plane.url, token), await read(plane.url, adminToken)]
    let ended = false
    void other.ended.then(() => (ended = true))
    await plane.admin.tokens.revoke(id)
    await feed.ended
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(ended).toBe(false)
    other.stop()
  })
})
