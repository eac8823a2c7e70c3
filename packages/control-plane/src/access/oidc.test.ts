import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { startSecuredPlane } from '../testing/secured-plane.ts'
import type { OidcOptions } from './oidc.ts'

/** An issuer on loopback, with keys of its own. */
async function issuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }
  const at = { away: false, asked: [] as string[] }
  const server = createServer((request, response) => {
    at.asked.push(request.url!)
    if (at.away) response.writeHead(500).end()
    else if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }))
    } else response.end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sign = (
    claims: Record<string, unknown>,
    { iss = url, aud = 'braid', expiresIn = '5 minutes', kid = 'k1', key = privateKey } = {},
  ) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid })
      .setIssuer(iss)
      .setAudience(aud)
      .setIssuedAt()
      .setExpirationTime(expiresIn)
      .sign(key)
  return { url, at, sign }
}

async function planeWith(options: Omit<OidcOptions, 'audience'>) {
  return startSecuredPlane({ auth: { oidc: { audience: 'braid', ...options } } })
}

test('an issuer vouches for who somebody is, and what they may', async () => {
  const { url, sign, at } = await issuer()
  const plane = await planeWith({ issuer: url, rolesClaim: 'groups', roles: { 'kafka-admins': 'admin' } })
  const whoami = async (claims: Record<string, unknown>) =>
    (await plane.ask('GET', '/v1/whoami', { token: await sign(claims) })).body
  expect(await whoami({ sub: 'auth0|ann', groups: ['staff', 'viewer', 'kafka-admins'] })).toEqual({
    principal: 'auth0|ann',
    role: 'admin',
    tenant: null,
    by: 'oidc',
  })
  expect(await whoami({ sub: 'bob', groups: 'owner', braid_tenant: 'bank' })).toMatchObject({
    role: 'owner',
    tenant: 'bank',
  })
  // Without a role, it is what tenants say it is.
  expect(await whoami({ sub: 'cleo' })).toMatchObject({ code: 'FORBIDDEN' })
  await plane.admin.tenants.put({ name: 'shop', home: 'a', owners: ['cleo'] })
  expect(await whoami({ sub: 'cleo' })).toMatchObject({ role: 'owner', tenant: 'shop' })
  // The issuer is asked once, not with every request.
  expect(at.asked).toEqual(['/.well-known/openid-configuration', '/keys'])
})

test('what it did not sign, for us, now, is nobody', async () => {
  const { url, sign } = await issuer()
  const plane = await planeWith({ issuer: url, jwksUri: `${url}/keys` })
  const { privateKey: stolen } = await generateKeyPair('ES256')
  const claims = { sub: 'eve', braid_role: 'admin' }
  const unsecured = new UnsecuredJWT(claims)
    .setIssuer(url)
    .setAudience('braid')
    .setExpirationTime('5 minutes')
    .encode()
  const symmetric = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .setIssuer(url)
    .setAudience('braid')
    .setExpirationTime('5 minutes')
    .sign(new TextEncoder().encode('x'.repeat(32)))
  const good = await sign(claims)
  expect((await plane.ask('GET', '/v1/whoami', { token: good })).status).toBe(200)
  const bad = {
    'another issuer': await sign(claims, { iss: 'https://evil.example.org' }),
    'another audience': await sign(claims, { aud: 'other' }),
    'its time is over': await sign(claims, { expiresIn: '-2 minutes' }),
    'an unknown key': await sign(claims, { kid: 'k2' }),
    "another's key": await sign(claims, { key: stolen }),
    'alg none': unsecured,
    'a symmetric key': symmetric,
    'half of it': good.slice(0, -20),
    'no principal': await sign({ braid_role: 'admin' }),
    'a principal that is none': await sign({ ...claims, sub: 'a\u001b[31m' }),
  }
  for (const [why, token] of Object.entries(bad)) {
    const { status, problem } = await plane.ask('GET', '/v1/whoami', { token })
    expect([why, status, problem.code]).toEqual([why, 401, 'UNAUTHENTICATED'])
  }
})

test('while its keys cannot be had nobody can tell: 503, and our own tokens work', async () => {
  const { url, sign, at } = await issuer()
  const plane = await planeWith({ issuer: url })
  const token = await sign({ sub: 'ann', braid_role: 'viewer' })
  at.away = true
  const answer = await plane.ask('GET', '/v1/whoami', { token })
  expect([answer.status, answer.problem.code]).toEqual([503, 'IDENTITY_UNAVAILABLE'])
  expect(answer.headers.get('retry-after')).toBe('5')
  expect((await plane.ask('GET', '/v1/whoami')).status).toBe(200)
  at.away = false
  expect((await plane.ask('GET', '/v1/whoami', { token })).status).toBe(200)
})
