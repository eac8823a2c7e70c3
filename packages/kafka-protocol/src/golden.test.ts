/**
 * Frames that real clients and a real broker (4.3.1) exchanged, captured by testbed/golden/capture.ts. Beside each stands what
 * it says in Kafka's own words: the JSON that the decoder in the kafka-clients jar makes of it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { produce } from './apis/00-produce.ts'
import { fetch } from './apis/01-fetch.ts'
import { apis } from './apis/all.ts'
import { Reader } from './reader.ts'
import { CRC_FROM, compression, crc, walkBatches } from './records/batch-header.ts'
import { crc32c } from './records/crc32c.ts'
import { decodeBatch } from './records/record-batch.ts'
import {
  readRequestHeader,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from './request-header.ts'
import type { AnyApi } from './schema/api.ts'
import type { Field, Fields, FieldType } from './schema/fields.ts'
import { hasVersion } from './schema/versions.ts'
import { Writer } from './writer.ts'

type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

interface Golden {
  readonly title: string
  readonly api: AnyApi
  readonly version: number
  readonly request: Buffer
  readonly requestSays: Json
  readonly response: Buffer
  readonly responseSays: Json
}

const folder = new URL('../golden/', import.meta.url)

function parse(block: string, api: AnyApi): Golden {
  const [title, ...lines] = block.trim().split('\n')
  const [request, requestSays, response, responseSays] = lines.map((line) =>
    line.slice(line.indexOf(' ') + 1),
  )
  return {
    title: title!.slice(2),
    api,
    version: Number(/ v(\d+),/.exec(title!)![1]),
    request: Buffer.from(request!, 'hex'),
    requestSays: JSON.parse(requestSays!),
    response: Buffer.from(response!, 'hex'),
    responseSays: JSON.parse(responseSays!),
  }
}

const goldens = readdirSync(folder)
  .sort()
  .flatMap((file) => {
    const api = apis.get(Number.parseInt(file, 10))
    if (api === undefined) throw new Error(`${file}: no such API`)
    const blocks = readFileSync(new URL(file, folder), 'utf8').split(/^(?=# )/m)
    return blocks.map((block) => parse(block, api))
  })

// ---- our messages in the form of Kafka's JSON

interface Words {
  readonly version: number
  readonly flexible: boolean
}

function inKafkasWords(
  fields: Fields,
  message: Record<string, unknown>,
  words: Words,
): { [name: string]: Json } {
  const json: { [name: string]: Json } = {}
  for (const [name, field] of Object.entries(fields)) {
    if (!hasVersion(field.versions, words.version)) continue
    if (field.tag !== undefined && (!words.flexible || isDefault(field, message[name]))) continue
    // The converter leaves records out and says how long they are.
    if (field.type.kind === 'records')
      json[`${name}SizeInBytes`] = (message[name] as Buffer | null)?.length ?? 0
    else json[name] = valueInKafkasWords(field.type, message[name], words)
  }
  return json
}

function isDefault(field: Field, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return isDeepStrictEqual(value, field.default)
}

function valueInKafkasWords(type: FieldType, value: unknown, words: Words): Json {
  if (value === null) return null
  switch (type.kind) {
    case 'struct':
      return inKafkasWords(type.fields, value as Record<string, unknown>, words)
    case 'array':
      return (value as unknown[]).map((element) => valueInKafkasWords(type.of, element, words))
    case 'int64':
      return Number(value)
    case 'bytes':
      return (value as Buffer).toString('base64')
    case 'uuid':
      return Buffer.from((value as string).replaceAll('-', ''), 'hex').toString('base64url')
    default:
      return value as string | number | boolean
  }
}

describe.each(goldens)('$title', ({ api, version, request, requestSays, response, responseSays }) => {
  const words: Words = { version, flexible: version >= api.flexibleVersion }

  test('the request says to us what it says to Kafka, and we would write it so', () => {
    const { bodyAt, ...header } = readRequestHeader(request)
    const reader = new Reader(request, bodyAt)
    const message = api.decodeRequest(reader, version)
    expect(reader.remaining).toBe(0)
    expect(inKafkasWords(api.request, message as Record<string, unknown>, words)).toEqual(requestSays)
    const w = new Writer()
    writeRequestHeader(w, header.apiKey, header.apiVersion, header.correlationId, header.clientId)
    api.encodeRequest(w, version, message)
    expect(w.finish().toString('hex')).toBe(request.toString('hex'))
  })

  test('the response says to us what it says to Kafka, and we would write it so', () => {
    const { bodyAt, correlationId } = readResponseHeader(response, api.key, version)
    const reader = new Reader(response, bodyAt)
    const message = api.decodeResponse(reader, version)
    expect(reader.remaining).toBe(0)
    expect(inKafkasWords(api.response, message as Record<string, unknown>, words)).toEqual(responseSays)
    const w = new Writer()
    writeResponseHeader(w, api.key, version, correlationId)
    api.encodeResponse(w, version, message)
    expect(w.finish().toString('hex')).toBe(response.toString('hex'))
  })
})

test('there is one for every API and version', () => {
  const captured = new Set(goldens.map(({ api, version }) => `${api.name} v${version}`))
  for (const { name, minVersion, maxVersion } of apis.values()) {
    for (let version = minVersion; version <= maxVersion; version++)
      expect(captured).toContain(`${name} v${version}`)
  }
})

test('the batches in them have the CRC that we compute, and records', () => {
  const batches: { bytes: Buffer; at: number }[] = []
  const collect = (bytes: Buffer | null): void => {
    if (bytes !== null) walkBatches(bytes, (at) => batches.push({ bytes, at }))
  }
  for (const { api, version, request, response } of goldens) {
    if (api.key === produce.key) {
      const message = produce.decodeRequest(new Reader(request, readRequestHeader(request).bodyAt), version)
      for (const { partitionData } of message.topicData)
        for (const { records } of partitionData) collect(records)
    }
    if (api.key === fetch.key) {
      const { bodyAt } = readResponseHeader(response, fetch.key, version)
      const message = fetch.decodeResponse(new Reader(response, bodyAt), version)
      for (const { partitions } of message.responses) for (const { records } of partitions) collect(records)
    }
  }
  expect(batches.length).toBeGreaterThan(10)
  for (const { bytes, at } of batches) {
    expect(crc(bytes, at)).toBe(crc32c(bytes, at + CRC_FROM, at + 12 + bytes.readInt32BE(at + 8)))
    expect(decodeBatch(bytes, at).records.length).toBeGreaterThan(0)
  }
  expect(new Set(batches.map(({ bytes, at }) => compression(bytes, at)))).toEqual(new Set([0, 1]))
})
