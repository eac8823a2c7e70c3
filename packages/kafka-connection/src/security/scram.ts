import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/**
 * The client's side of SCRAM (RFC 5802), without channel binding, as Kafka has it: names and passwords are taken as they
 * are, in UTF-8. No I/O: messages in, messages out.
 *
 *     we: n,,n=user,r=nonce  ->  broker: r=nonce+theirs,s=salt,i=iterations
 *     we: c=biws,r=...,p=proof  ->  broker: v=signature (it knows the password too), or e=error
 */
export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

const hashes = {
  'SCRAM-SHA-256': { name: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { name: 'sha512', bytes: 64 },
}

/** Kafka's own lower bound; fewer would make the password easy to guess for who listens. */
const ITERATIONS_MIN = 4_096
/** Kafka's own upper bound is 16384. A broker must not keep us counting. */
const ITERATIONS_MAX = 200_000

const GS2_HEADER = 'n,,'

const derive = promisify(pbkdf2)

export interface ScramUser {
  readonly mechanism: ScramMechanism
  readonly username: string
  readonly password: string
  /** printable, without commas; never used twice */
  readonly nonce: string
}

/** What our second message is, and what the broker has to answer to it. */
export interface ScramProof {
  readonly message: string
  /** Whether the broker's last message shows that it knows the password. */
  readonly accepts: (serverFinal: string) => boolean
}

/** What is wrong with a broker's message, in words that follow "the broker". */
export class ScramError extends Error {
  override readonly name = 'ScramError'
}

export function scramFirst(user: ScramUser): string {
  return GS2_HEADER + firstBare(user)
}

/** @throws ScramError when the broker's first message is not one, or not an answer to ours */
export async function scramProof(user: ScramUser, serverFirst: string): Promise<ScramProof> {
  const { nonce, salt, iterations } = parseServerFirst(serverFirst, user.nonce)
  const { name, bytes } = hashes[user.mechanism]
  const salted = await derive(user.password, salt, iterations, bytes, name)
  const hmac = (key: Buffer, text: string) => createHmac(name, key).update(text).digest()

  const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${nonce}`
  const authMessage = `${firstBare(user)},${serverFirst},${withoutProof}`
  const clientKey = hmac(salted, 'Client Key')
  const storedKey = createHash(name).update(clientKey).digest()
  const signature = hmac(storedKey, authMessage)
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!))
  const expected = hmac(hmac(salted, 'Server Key'), authMessage)
  return {
    message: `${withoutProof},p=${proof.toString('base64')}`,
    accepts: (serverFinal) => {
      const answer = Buffer.from(attributesOf(serverFinal).get('v') ?? '', 'base64')
      return answer.length === expected.length && timingSafeEqual(answer, expected)
    },
  }
}

function firstBare({ username, nonce }: ScramUser): string {
  return `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
}

function parseServerFirst(message: string, ourNonce: string) {
  const attributes = attributesOf(message)
  const nonce = attributes.get('r') ?? ''
  const salt = Buffer.from(attributes.get('s') ?? '', 'base64')
  const iterations = Number(attributes.get('i'))
  if (attributes.has('m')) throw new ScramError('asks for an extension of SCRAM that is not known here')
  if (!nonce.startsWith(ourNonce) || nonce.length === ourNonce.length)
    throw new ScramError('answered with a nonce that does not continue ours')
  if (salt.length === 0) throw new ScramError('sent no salt')
  if (!Number.isInteger(iterations) || iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX)
    throw new ScramError(`asks for ${iterations} iterations, not ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`)
  return { nonce, salt, iterations }
}

/** `a=1,b=2`; of a name that comes twice the first. */
function attributesOf(message: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const part of message.split(',')) {
    const name = part.slice(0, 1)
    if (part[1] === '=' && !attributes.has(name)) attributes.set(name, part.slice(2))
  }
  return attributes
}
