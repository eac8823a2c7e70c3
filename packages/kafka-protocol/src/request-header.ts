import { apis } from './apis/all.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reader } from './reader.ts'
import type { AnyApi } from './schema/api.ts'
import type { Writer } from './writer.ts'

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Where in the frame the body starts. */
  readonly bodyAt: number
}

export interface ResponseHeader {
  readonly correlationId: number
  readonly bodyAt: number
}

const API_VERSIONS_KEY = 18

/** Dense by key, for the hot path. */
const byKey: (AnyApi | undefined)[] = []
for (const [key, api] of apis) byKey[key] = api

function apiOf(apiKey: number): AnyApi {
  const api = byKey[apiKey]
  if (api === undefined) throw new ProtocolError('UNSUPPORTED_API', 0, `API ${apiKey} is not spoken here`)
  return api
}

/**
 * Header v1, or v2 (with tagged fields) for flexible versions.
 *
 * @throws ProtocolError UNSUPPORTED_API or UNSUPPORTED_VERSION with `request` set, so that it can be answered.
 */
export function readRequestHeader(frame: Buffer): RequestHeader {
  const r = new Reader(frame)
  const apiKey = r.int16()
  const apiVersion = r.int16()
  const correlationId = r.int32()
  const api = byKey[apiKey]
  if (api === undefined || apiVersion < api.minVersion || apiVersion > api.maxVersion) {
    throw refuse({ apiKey, apiVersion, correlationId }, api)
  }
  const clientId = r.nullableString()
  if (apiVersion >= api.flexibleVersion) r.skipTags()
  return { apiKey, apiVersion, correlationId, clientId, bodyAt: r.offset }
}

function refuse(
  request: { apiKey: number; apiVersion: number; correlationId: number },
  api: AnyApi | undefined,
): ProtocolError {
  const { apiKey, apiVersion } = request
  if (api === undefined) {
    return new ProtocolError(
      'UNSUPPORTED_API',
      0,
      `API ${apiKey} (version ${apiVersion}) is not spoken here`,
      request,
    )
  }
  const spoken = `${api.minVersion} to ${api.maxVersion}`
  return new ProtocolError(
    'UNSUPPORTED_VERSION',
    2,
    `${api.name} version ${apiVersion} is not among ${spoken}`,
    request,
  )
}

export function writeRequestHeader(
  w: Writer,
  apiKey: number,
  apiVersion: number,
  correlationId: number,
  clientId: string | null,
): void {
  w.int16(apiKey)
  w.int16(apiVersion)
  w.int32(correlationId)
  w.nullableString(clientId)
  if (apiVersion >= apiOf(apiKey).flexibleVersion) w.skipTags()
}

/**
 * Whether the response header is v1, which has tagged fields. Never for ApiVersions: its client does not yet know what
 * the broker speaks.
 */
function hasResponseTags(apiKey: number, apiVersion: number): boolean {
  return apiKey !== API_VERSIONS_KEY && apiVersion >= apiOf(apiKey).flexibleVersion
}

export function writeResponseHeader(
  w: Writer,
  apiKey: number,
  apiVersion: number,
  correlationId: number,
): void {
  w.int32(correlationId)
  if (hasResponseTags(apiKey, apiVersion)) w.skipTags()
}

/** 4 bytes, or 5 for header v1 without tags. */
export function responseHeaderBytes(apiKey: number, apiVersion: number, correlationId: number): Buffer {
  const header = Buffer.allocUnsafe(hasResponseTags(apiKey, apiVersion) ? 5 : 4)
  header.writeInt32BE(correlationId, 0)
  if (header.length === 5) header[4] = 0
  return header
}

export function readResponseHeader(frame: Buffer, apiKey: number, apiVersion: number): ResponseHeader {
  const r = new Reader(frame)
  const correlationId = r.int32()
  if (hasResponseTags(apiKey, apiVersion)) r.skipTags()
  return { correlationId, bodyAt: r.offset }
}
