// Identities that somebody else vouches for: JWTs, checked with the issuer's public keys.
import { type Role, role as roleSchema } from '@braid/control-api'
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { reasonOf } from '../log.ts'
import { Refusal } from '../refusal.ts'

export interface OidcOptions {
  /** As the tokens' `iss` says it, https://login.example.org. */
  readonly issuer: string
  /** The tokens' `aud`. */
  readonly audience: string
  /** The issuer's keys; found by its `.well-known/openid-configuration` when absent. */
  readonly jwksUri?: string | undefined
  /** The claim that names the principal; `sub` when absent. */
  readonly principalClaim?: string | undefined
  /** The claim with a role, or a list of them, of which the highest counts; `braid_role` when absent. */
  readonly rolesClaim?: string | undefined
  /** The claim with the tenant; `braid_tenant` when absent. */
  readonly tenantClaim?: string | undefined
  /** What the claim's values mean, where they are not the names of our roles: `{ "kafka-admins": "admin" }`. */
  readonly roles?: Readonly<Record<string, Role>> | undefined
}

/** What a token says. Without a role it is nobody, but for tenants that list it among their owners. */
export interface Identity {
  readonly principal: string
  readonly role: Role | undefined
  readonly tenant: string | null
  /** ms since 1970 */
  readonly endsAt: number
}

const askMaxMs = 5_000
const keysKeptMs = 10 * 60_000
/** After keys were asked for in vain. */
const cooldownMs = 10_000
const clockToleranceSeconds = 30
// No secret is shared with the issuer, so nothing symmetric, and never `none`.
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const byRank: readonly Role[] = ['admin', 'operator', 'owner', 'viewer', 'access-point']
const principalForm = /^[A-Za-z0-9][A-Za-z0-9._:@/|+-]{0,127}$/
const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() })
const discoveryMaxBytes = 100_000

export class Oidc {
  private readonly options: OidcOptions
  private readonly fetch: typeof globalThis.fetch
  private keys: Promise<JWTVerifyGetKey> | undefined

  constructor(options: OidcOptions, fetch: typeof globalThis.fetch = globalThis.fetch) {
    this.options = options
    this.fetch = fetch
  }

  /** Throws UNAUTHENTICATED, or IDENTITY_UNAVAILABLE when the issuer's keys cannot be had. */
  async identify(token: string): Promise<Identity> {
    const { issuer, audience } = this.options
    const keys = await this.issuerKeys()
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp'],
      })
      return this.identityIn(payload)
    } catch (error) {
      throw refusalOf(error, issuer)
    }
  }

  private issuerKeys(): Promise<JWTVerifyGetKey> {
    this.keys ??= this.findKeys().catch((error: unknown) => {
      this.keys = undefined
      throw unavailable(this.options.issuer, error)
    })
    return this.keys
  }

  private async findKeys(): Promise<JWTVerifyGetKey> {
    const { issuer, jwksUri } = this.options
    const url = new URL(jwksUri ?? (await this.discover(issuer)))
    return createRemoteJWKSet(url, {
      timeoutDuration: askMaxMs,
      cacheMaxAge: keysKeptMs,
      cooldownDuration: cooldownMs,
    })
  }

  private async discover(issuer: string): Promise<string> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const response = await this.fetch(url, { signal: AbortSignal.timeout(askMaxMs), redirect: 'error' })
    if (!response.ok) throw new Error(`${url} answers ${response.status}`)
    const text = await response.text()
    if (text.length > discoveryMaxBytes)
      throw new Error(`${url} answers more than ${discoveryMaxBytes} bytes`)
    const found = discovery.parse(JSON.parse(text))
    if (found.issuer !== issuer) throw new Error(`${url} is of the issuer ${found.issuer}`)
    return found.jwks_uri
  }

  private identityIn(payload: JWTPayload): Identity {
    const { principalClaim = 'sub', rolesClaim = 'braid_role', tenantClaim = 'braid_tenant' } = this.options
    const principal = payload[principalClaim]
    if (typeof principal !== 'string' || !principalForm.test(principal)) {
      throw new Refusal('UNAUTHENTICATED', `the token's claim ${principalClaim} names no principal`)
    }
    const tenant = payload[tenantClaim]
    return {
      principal,
      role: this.roleIn(payload[rolesClaim]),
      tenant: typeof tenant === 'string' ? tenant : null,
      endsAt: payload.exp! * 1_000,
    }
  }

  private roleIn(claim: unknown): Role | undefined {
    const { roles = {} } = this.options
    const held = [claim].flat().flatMap((name): Role[] => {
      if (typeof name !== 'string') return []
      if (Object.hasOwn(roles, name)) return [roles[name]!]
      const own = roleSchema.safeParse(name)
      return own.success ? [own.data] : []
    })
    return byRank.find((one) => held.includes(one))
  }
}

function refusalOf(error: unknown, issuer: string): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof errors.JWTExpired) return new Refusal('UNAUTHENTICATED', 'the token has expired')
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new Refusal(
      'UNAUTHENTICATED',
      `the token is not for us: its claim ${error.claim} is not as it must be`,
    )
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return new Refusal('UNAUTHENTICATED', 'the token is signed with a key that its issuer does not have')
  }
  const isAway = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid
  // jose says so, in a plain JOSEError, when the keys are answered with another status; fetch, when nobody answers.
  if (isAway || !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC')
    return unavailable(issuer, error)
  return new Refusal('UNAUTHENTICATED', 'the token is not valid')
}

function unavailable(issuer: string, error: unknown): Refusal {
  return new Refusal(
    'IDENTITY_UNAVAILABLE',
    `the keys of ${issuer} cannot be had (${reasonOf(error)}), so its tokens cannot be checked: try again, or use a token of Braid's own`,
    { cause: error },
  )
}
