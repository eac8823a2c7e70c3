// Bearer tokens, `brd_<id>_<secret>`. The id finds the row, the secret is compared with its hash.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Role } from '@braid/control-api'
import { Refusal } from '../refusal.ts'
import type { Store } from '../store/store.ts'
import type { TokenRow } from '../store/token-queries.ts'
import type { Caller } from './caller.ts'

const form = /^brd_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/
const alphabet = 'abcdefghijklmnopqrstuvwxyz012345'
const tokensMax = 10_000
const dayMs = 24 * 60 * 60 * 1_000

/** Of the administrator's own token, which is set from outside and has any form. */
export const adminTokenId = 'admin'
/** What nobody has: an unknown id takes as long as a wrong secret. */
const nobody = sha256(randomBytes(32).toString('hex'))

export interface NewToken {
  readonly principal: string
  readonly role: Role
  readonly tenant: string | null
  readonly expiresInDays: number | null
}

/** A row to be added, and what is given out once. */
export function makeToken(
  { expiresInDays, ...token }: NewToken,
  createdBy: string,
  now: number,
): { row: TokenRow; secret: string } {
  const id = Array.from(randomBytes(12), (byte) => alphabet[byte % alphabet.length]).join('')
  const secret = randomBytes(32).toString('base64url')
  const row: TokenRow = {
    ...token,
    id,
    secretSha256: sha256(secret),
    createdBy,
    createdAt: now,
    expiresAt: expiresInDays === null ? null : now + expiresInDays * dayMs,
  }
  return { row, secret: `brd_${id}_${secret}` }
}

/** In the transaction that adds one. */
export async function checkTokenRoom(store: Store, now: number): Promise<void> {
  await store.tokens.removeExpired(now)
  const count = await store.tokens.count()
  if (count < tokensMax) return
  throw new Refusal(
    'LIMIT_REACHED',
    `there are ${count} tokens, the most there may be: revoke those that nobody uses`,
  )
}

/** Who the token stands for; undefined when it is not valid, or not any more. */
export async function callerOfToken(store: Store, token: string, now: number): Promise<Caller | undefined> {
  const [, id = adminTokenId, secret = token] = form.exec(token) ?? []
  const row = await store.tokens.get(id)
  const same = timingSafeEqual(
    Buffer.from(sha256(secret), 'hex'),
    Buffer.from(row?.secretSha256 ?? nobody, 'hex'),
  )
  if (row === undefined || !same || (row.expiresAt !== null && row.expiresAt <= now)) return undefined
  return {
    principal: row.principal,
    role: row.role,
    tenant: row.tenant,
    owns: await store.tenantSpecs.ownedBy(row.principal),
    by: 'token',
    endsAt: row.expiresAt,
    tokenId: row.id,
  }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
