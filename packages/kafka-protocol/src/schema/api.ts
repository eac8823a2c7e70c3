import { ProtocolError } from '../protocol-error.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import { compileDecoder, compileEncoder, type Decoder, type Encoder } from './compile.ts'
import type { Decoded, Encodable, Fields } from './fields.ts'
import { parseVersions, type VersionsText } from './versions.ts'

/**
 * One API in all its versions.
 *
 * The two types that a caller of a broker needs come first: `RequestInput` (fields with defaults may be left out) and
 * `Response` (complete). Whoever answers reads `Request` (complete) and writes `ResponseInput`.
 */
export interface Api<
  RequestInput,
  Response,
  Request = NoInfer<RequestInput>,
  ResponseInput = NoInfer<Response>,
> {
  readonly key: number
  readonly name: string
  /** The versions that are defined here; not all that Kafka has. */
  readonly minVersion: number
  readonly maxVersion: number
  /** The first version with compact lengths and tagged fields; above every version when there is none. */
  readonly flexibleVersion: number
  /** The definition as data. */
  readonly request: Fields
  readonly response: Fields
  encodeRequest(w: Writer, version: number, request: RequestInput): void
  decodeRequest(r: Reader, version: number): Request
  encodeResponse(w: Writer, version: number, response: ResponseInput): void
  decodeResponse(r: Reader, version: number): Response
}

/** Any API, its messages unknown. */
export type AnyApi = Api<unknown, unknown>

export interface ApiDefinition<Q extends Fields, A extends Fields> {
  readonly key: number
  readonly name: string
  readonly versions: VersionsText
  readonly flexible: VersionsText
  readonly request: Q
  readonly response: A
}

export type DefinedApi<Q extends Fields, A extends Fields> = Api<
  Encodable<Q>,
  Decoded<A>,
  Decoded<Q>,
  Encodable<A>
>

/** Code for a version is made when the version is first met. */
export function defineApi<const Q extends Fields, const A extends Fields>(
  definition: ApiDefinition<Q, A>,
): DefinedApi<Q, A> {
  const { key, name, request, response } = definition
  const { from: minVersion, to: maxVersion } = parseVersions(definition.versions)
  const flexible = parseVersions(definition.flexible)
  const flexibleVersion = flexible.to < flexible.from ? maxVersion + 1 : flexible.from

  const checkVersion = (version: number): void => {
    if (version >= minVersion && version <= maxVersion) return
    throw new ProtocolError(
      'UNSUPPORTED_VERSION',
      0,
      `${name} version ${version} is not among ${minVersion} to ${maxVersion}`,
    )
  }
  const perVersion = <T>(make: (version: number) => T): ((version: number) => T) => {
    const made: (T | undefined)[] = new Array(maxVersion + 1).fill(undefined)
    return (version) => {
      const found = made[version]
      if (found !== undefined) return found
      checkVersion(version)
      const fresh = make(version)
      made[version] = fresh
      return fresh
    }
  }
  const encoderOf = (kind: 'Request' | 'Response', fields: Fields): ((version: number) => Encoder) =>
    perVersion((version) =>
      compileEncoder(fields, version, version >= flexibleVersion, `${name}${kind}-v${version}`),
    )
  const decoderOf = (kind: 'Request' | 'Response', fields: Fields): ((version: number) => Decoder) =>
    perVersion((version) =>
      compileDecoder(fields, version, version >= flexibleVersion, `${name}${kind}-v${version}`),
    )
  const requestEncoder = encoderOf('Request', request)
  const requestDecoder = decoderOf('Request', request)
  const responseEncoder = encoderOf('Response', response)
  const responseDecoder = decoderOf('Response', response)

  return {
    key,
    name,
    minVersion,
    maxVersion,
    flexibleVersion,
    request,
    response,
    encodeRequest: (w, version, message) => requestEncoder(version)(w, message),
    decodeRequest: (r, version) => requestDecoder(version)(r) as Decoded<Q>,
    encodeResponse: (w, version, message) => responseEncoder(version)(w, message),
    decodeResponse: (r, version) => responseDecoder(version)(r) as Decoded<A>,
  }
}

type RequestOf<T> = T extends Api<infer _QI, infer _A, infer Q, infer _AI> ? Q : never
type RequestInputOf<T> = T extends Api<infer QI, infer _A, infer _Q, infer _AI> ? QI : never
type ResponseOf<T> = T extends Api<infer _QI, infer A, infer _Q, infer _AI> ? A : never
type ResponseInputOf<T> = T extends Api<infer _QI, infer _A, infer _Q, infer AI> ? AI : never

export type { RequestInputOf, RequestOf, ResponseInputOf, ResponseOf }
