import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { SecretRef } from '@braid/routing-model'
import { ConnectionError } from '../errors.ts'

// A pipe that nobody writes to would hold an ordinary open for ever.
const { O_RDONLY, O_NONBLOCK } = constants

/** A CA bundle of a system has some 200 KiB. */
const SECRET_MAX_BYTES = 1024 * 1024

/**
 * What a reference leads to, read anew at each call, so that a rotated file is picked up. A line's end at the end of a
 * file is not part of the secret.
 *
 * @param purpose reads like "its SASL password"
 * @throws ConnectionError SECRET_MISSING, which names the reference and never what it leads to
 */
export async function readSecret(cluster: string, ref: SecretRef, purpose: string): Promise<string> {
  const missing = (why: string, cause?: unknown) =>
    new ConnectionError('SECRET_MISSING', `${cluster} needs ${ref} (${purpose}), ${why}`, { cluster, cause })
  if (ref.startsWith('env:')) {
    const name = ref.slice('env:'.length)
    const value = process.env[name]
    if (value !== undefined && value !== '') return value
    const how = value === undefined ? 'is not set' : 'is empty'
    throw missing(`and the variable ${name} ${how} here: every process that connects needs it`)
  }
  if (!ref.startsWith('file:')) {
    // It may be the secret itself.
    const what = `${cluster} needs ${purpose}, and what it is said to be is neither env:NAME nor file:/path`
    throw new ConnectionError('SECRET_MISSING', what, { cluster })
  }
  const path = ref.slice('file:'.length)
  let text: string | undefined
  try {
    text = await readBounded(path)
  } catch (cause) {
    throw missing(`and cannot read it here: ${(cause as Error).message}`, cause)
  }
  if (text === undefined) throw missing(`and ${path} is no file of at most ${SECRET_MAX_BYTES} bytes`)
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') throw missing(`and ${path} is empty`)
  return secret
}

/** undefined: not a regular file (reading may never end), or too long. */
async function readBounded(path: string): Promise<string | undefined> {
  const file = await open(path, O_RDONLY | O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > SECRET_MAX_BYTES) return undefined
    const bytes = Buffer.alloc(stat.size)
    let have = 0
    while (have < bytes.length) {
      const { bytesRead } = await file.read(bytes, have, bytes.length - have)
      if (bytesRead === 0) break
      have += bytesRead
    }
    return bytes.toString('utf8', 0, have)
  } finally {
    await file.close()
  }
}
