import { describe, expect, test } from 'vitest'
import { apis } from './apis/all.ts'
import { ProtocolError } from './protocol-error.ts'
import {
  readRequestHeader,
  readResponseHeader,
  responseHeaderBytes,
  writeRequestHeader,
  writeResponseHeader,
} from './request-header.ts'
import { Writer } from './writer.ts'

function header(apiKey: number, apiVersion: number, correlationId: number, clientId: string | null): Buffer {
  const w = new Writer()
  writeRequestHeader(w, apiKey, apiVersion, correlationId, clientId)
  return w.finish()
}

const caught = (read: () => unknown): ProtocolError => {
  try {
    read()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
  return expect.unreachable('nothing was thrown')
}

describe('request headers', () => {
  test('come back for every API and version', () => {
    for (const { key, minVersion, maxVersion } of apis.values()) {
      for (let version = minVersion; version <= maxVersion; version++) {
        for (const clientId of ['rdkafka', null, 'größe']) {
          const frame = header(key, version, -7, clientId)
          const bodyAt = frame.length
          expect(readRequestHeader(frame)).toEqual({
            apiKey: key,
            apiVersion: version,
            correlationId: -7,
            clientId,
            bodyAt,
          })
        }
      }
    }
  })

  test('tags follow the client id in flexible versions only', () => {
    expect(header(0, 8, 1, 'ab').toString('hex')).toBe('00000008000000010002' + '6162')
    expect(header(0, 9, 1, 'ab').toString('hex')).toBe('00000009000000010002' + '6162' + '00')
    const tagged = Buffer.from('0000000900000001ffff' + '01' + '0502aabb', 'hex')
    expect(readRequestHeader(tagged)).toMatchObject({ clientId: null, bodyAt: 15 })
  })

  test('an API or version that is not spoken can be answered', () => {
    const unknown = caught(() => readRequestHeader(Buffer.from('0fff00050000002affff', 'hex')))
    expect(unknown).toMatchObject({ code: 'UNSUPPORTED_API', correlationId: 42 })
    const future = caught(() => readRequestHeader(Buffer.from('001200630000002affff', 'hex')))
    expect(future).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      request: { apiKey: 18, apiVersion: 99, correlationId: 42 },
    })
    expect(caught(() => readRequestHeader(Buffer.from('000000020000002affff', 'hex'))).code).toBe(
      'UNSUPPORTED_VERSION',
    )
    expect(caught(() => readRequestHeader(Buffer.from('ffff00020000002affff', 'hex'))).code).toBe(
      'UNSUPPORTED_API',
    )
    expect(caught(() => header(4095, 0, 1, null)).code).toBe('UNSUPPORTED_API')
  })

  test('one that ends early is refused at every length', () => {
    const whole = header(0, 9, 1, 'ab')
    for (let bytes = 0; bytes < whole.length; bytes++) {
      expect(caught(() => readRequestHeader(whole.subarray(0, bytes))).code).toBe('TRUNCATED')
    }
  })
})

describe('response headers', () => {
  test('have tags in flexible versions, ApiVersions never', () => {
    expect(responseHeaderBytes(0, 8, 7).toString('hex')).toBe('00000007')
    expect(responseHeaderBytes(0, 9, 7).toString('hex')).toBe('0000000700')
    expect(responseHeaderBytes(18, 4, 7).toString('hex')).toBe('00000007')
    expect(responseHeaderBytes(47, 0, 7).toString('hex')).toBe('00000007')
  })

  test('are read and written alike', () => {
    for (const { key, minVersion, maxVersion } of apis.values()) {
      for (let version = minVersion; version <= maxVersion; version++) {
        const w = new Writer()
        writeResponseHeader(w, key, version, 99)
        const bytes = w.finish()
        expect(bytes).toEqual(responseHeaderBytes(key, version, 99))
        expect(readResponseHeader(bytes, key, version)).toEqual({ correlationId: 99, bodyAt: bytes.length })
      }
    }
    expect(readResponseHeader(Buffer.from('0000000701030100', 'hex'), 0, 9)).toEqual({
      correlationId: 7,
      bodyAt: 8,
    })
  })
})
