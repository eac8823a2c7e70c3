// Who asks: by a token of ours, by one of an issuer that we trust, or everybody when nobody is asked.
import { Refusal } from '../refusal.ts'
import type { Store } from '../store/store.ts'
import { anonymous, type Caller } from './caller.ts'
import { Oidc, type OidcOptions } from './oidc.ts'
import { callerOfToken } from './tokens.ts'

/**
 * `none`: everybody is an administrator named `anonymous`. `tokens`: bearer tokens that we made. `oidc`: those, and
 * JWTs of an issuer.
 */
export type Auth = 'none' | 'tokens' | { readonly oidc: OidcOptions }

const tokenMaxCharacters = 16_384

export interface AuthenticatorParts {
  readonly auth: Auth
  /** Where tokens are looked up; undefined while there is none. */
  readonly store: () => Store | undefined
  readonly now: () => number
  readonly fetch?: typeof globalThis.fetch | undefined
}

export class Authenticator {
  private readonly parts: AuthenticatorParts
  private readonly oidc: Oidc | undefined

  constructor(parts: AuthenticatorParts) {
    this.parts = parts
    this.oidc = typeof parts.auth === 'object' ? new Oidc(parts.auth.oidc, parts.fetch) : undefined
  }

  /** Whether anybody is asked. */
  get asks(): boolean {
    return this.parts.auth !== 'none'
  }

  /** `authorization` as the request has it. Throws UNAUTHENTICATED, and FORBIDDEN for who has no role at all. */
  async caller(authorization: string | undefined): Promise<Caller> {
    if (this.parts.auth === 'none') return anonymous
    const [, token] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
    if (token === undefined || token.length > tokenMaxCharacters) {
      throw new Refusal('UNAUTHENTICATED', 'send a token: `authorization: Bearer brd_...`')
    }
    if (this.oidc !== undefined && isJwt(token)) return this.oidcCaller(this.oidc, token)
    const caller = await callerOfToken(this.store(), token, this.parts.now())
    if (caller === undefined) {
      throw new Refusal('UNAUTHENTICATED', 'the token is unknown, has expired, or was revoked')
    }
    return caller
  }

  /** Whether one that was let in would be let in again: its token may have been revoked, its tenant taken away. */
  async isStillGood(caller: Caller): Promise<boolean> {
    if (caller.by === 'none') return true
    if (caller.endsAt !== null && caller.endsAt <= this.parts.now()) return false
    const store = this.store()
    if (caller.tokenId !== null) {
      const row = await store.tokens.get(caller.tokenId)
      if (row === undefined) return false
    }
    const owns = await store.tenantSpecs.ownedBy(caller.principal)
    return caller.owns.every((tenant) => owns.includes(tenant))
  }

  private async oidcCaller(oidc: Oidc, token: string): Promise<Caller> {
    const { principal, role, tenant, endsAt } = await oidc.identify(token)
    const owns = await this.store().tenantSpecs.ownedBy(principal)
    const known = { principal, owns, by: 'oidc', endsAt, tokenId: null } as const
    if (role === 'admin' || role === 'operator') return { ...known, role, tenant: null }
    if (role !== undefined && (role !== 'owner' || tenant !== null)) return { ...known, role, tenant }
    // No role of its own: it is what tenants say it is.
    const [first] = owns
    if (first !== undefined) return { ...known, role: 'owner', tenant: first }
    throw new Refusal(
      'FORBIDDEN',
      `${principal} has no role here: its token has none in the claim that roles are in, and no tenant lists it as owner`,
    )
  }

  private store(): Store {
    const store = this.parts.store()
    if (store !== undefined) return store
    throw new Refusal('NO_LEADER', 'tokens cannot be looked up at this moment; ask again in a moment')
  }
}

function isJwt(token: string): boolean {
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(token)
}

/** Throws when everybody who reaches the address would be an administrator, and it is not meant so. */
export function checkExposure(host: string, auth: Auth, allowAnonymous: boolean): void {
  if (auth !== 'none' || allowAnonymous || isLoopback(host)) return
  throw new Error(
    `the control plane would listen on ${host} and ask nobody who they are: turn authentication on (--auth tokens), or say that everybody there may do everything (--allow-anonymous)`,
  )
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
