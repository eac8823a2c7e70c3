// The first token. Whoever starts a control plane may set it; else it is made, and left where only they can read it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import { adminTokenId, makeToken, sha256 } from './tokens.ts'

const lengthMin = 32
const principal = 'admin'

export interface AdminTokenParts {
  readonly store: Store
  /** BRAID_ADMIN_TOKEN: it is the administrator's for as long as it is set. */
  readonly given: string | undefined
  /** Where a token that is made is written; undefined: nowhere. */
  readonly folder: string | undefined
  /** Others, who are known in another way, can make tokens. */
  readonly dispensable: boolean
  readonly log: Log
  readonly now: () => number
}

/** Rejects when nobody could ever come in. */
export async function provideAdminToken(parts: AdminTokenParts): Promise<void> {
  const { store, given, folder, dispensable, log, now } = parts
  if (given !== undefined) {
    checkStrength(given)
    await store.transaction(async () => {
      const known = await store.tokens.get(adminTokenId)
      if (known?.secretSha256 === sha256(given)) return
      await store.tokens.remove(adminTokenId)
      await store.tokens.add({
        id: adminTokenId,
        secretSha256: sha256(given),
        principal,
        role: 'admin',
        tenant: null,
        createdBy: 'BRAID_ADMIN_TOKEN',
        createdAt: now(),
        expiresAt: null,
      })
      log('info', 'access.admin-token-set', { token: adminTokenId, from: 'BRAID_ADMIN_TOKEN' })
    })
    return
  }
  if (dispensable || (await store.tokens.hasAdmin())) return
  if (folder === undefined) {
    throw new Error(
      'there is no token of an administrator yet: set BRAID_ADMIN_TOKEN to a secret of at least 32 characters, and make others with it',
    )
  }
  const { row, secret } = makeToken(
    { principal, role: 'admin', tenant: null, expiresInDays: null },
    'the first start',
    now(),
  )
  const file = join(folder, 'admin-token')
  // Before it is known: a crash in between makes another one.
  writeFileSync(file, `${secret}\n`, { mode: 0o600 })
  await store.tokens.add(row)
  log('warn', 'access.admin-token-made', {
    token: row.id,
    file,
    detail: 'the first token of an administrator: keep it elsewhere, and delete the file',
  })
}

function checkStrength(token: string): void {
  if (/^[\x21-\x7e]+$/.test(token) && token.length >= lengthMin) return
  throw new Error(
    `BRAID_ADMIN_TOKEN has ${token.length} characters: it takes at least ${lengthMin}, printable and without spaces, as of \`openssl rand -hex 32\``,
  )
}
