import { type AnyApi, apis } from '@braid/kafka-protocol'

/** What of an API definition is needed to agree on a version. */
export interface ApiVersionRange {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}

const KEYS = 128
const NONE = -1
const API_VERSIONS_KEY = 18

/** First flexible version by API key; NONE where we have no definition. */
const flexibleFrom = new Int16Array(KEYS).fill(NONE)
for (const api of apis.values() as Iterable<AnyApi>) flexibleFrom[api.key] = api.flexibleVersion

/** Whether we know how requests of this API look at all. */
export function isKnownApi(apiKey: number): boolean {
  return apiKey >= 0 && apiKey < KEYS && flexibleFrom[apiKey] !== NONE
}

/** Whether the request's header has tags (header v2). */
export function hasFlexibleRequest(apiKey: number, apiVersion: number): boolean {
  return apiVersion >= flexibleFrom[apiKey]!
}

/** Whether the answer's header has tags (header v1). ApiVersions never has, so that any broker can be asked (KIP-511). */
export function hasFlexibleAnswer(apiKey: number, apiVersion: number): boolean {
  return apiKey !== API_VERSIONS_KEY && apiVersion >= flexibleFrom[apiKey]!
}

/** Where the body starts in an answer without its size bytes; -1 when the header does not parse. */
export function answerBodyAt(frame: Buffer, flexible: boolean): number {
  if (!flexible) return 4
  if (frame[4] === 0) return 5
  return afterTags(frame, 4)
}

function afterTags(frame: Buffer, from: number): number {
  let at = from
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = frame[at++]
      if (byte === undefined) return -1
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return -1
  }
  for (let left = varint(); left !== 0; left--) {
    if (left < 0 || varint() < 0) return -1
    const bytes = varint()
    if (bytes < 0 || at + bytes > frame.length) return -1
    at += bytes
  }
  return at
}

/** The versions that one broker speaks, as it said itself. */
export class BrokerVersions {
  readonly #min = new Int16Array(KEYS).fill(NONE)
  readonly #max = new Int16Array(KEYS).fill(NONE)

  constructor(spoken: readonly { apiKey: number; minVersion: number; maxVersion: number }[]) {
    for (const { apiKey, minVersion, maxVersion } of spoken) {
      if (apiKey < 0 || apiKey >= KEYS) continue
      this.#min[apiKey] = minVersion
      this.#max[apiKey] = maxVersion
    }
  }

  /** The highest version that both sides speak and that is at most `cap`; -1 when there is none. */
  highestCommon(api: ApiVersionRange, cap: number): number {
    const { key } = api
    if (key >= KEYS || this.#max[key] === NONE) return -1
    const highest = Math.min(api.maxVersion, this.#max[key]!, cap)
    return highest >= api.minVersion && highest >= this.#min[key]! ? highest : -1
  }

  describe(apiKey: number): string {
    if (apiKey >= KEYS || (this.#max[apiKey] ?? NONE) === NONE) return 'does not offer it'
    return `speaks ${this.#min[apiKey]} to ${this.#max[apiKey]}`
  }
}
