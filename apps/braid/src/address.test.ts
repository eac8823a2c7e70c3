import { formatAddress } from '@braid/routing-model'
import { describe, expect, it } from 'vitest'
import { controlPlaneUrl, parseAddress, parseBootstrap } from './address.ts'

describe('an address', () => {
  it('is host:port, IPv6 in brackets', () => {
    expect(parseAddress('127.0.0.1:9092', '--listen')).toEqual({ host: '127.0.0.1', port: 9092 })
    expect(parseAddress('[::1]:0', '--listen')).toEqual({ host: '::1', port: 0 })
    expect(formatAddress({ host: '::1', port: 9092 })).toBe('[::1]:9092')
  })

  it.each(['', '9092', ':9092', 'host', 'host:', 'host:70000', 'host:90x', '::1:9092', 'a b:1', 'host:1:2'])(
    'is not %j',
    (text) => {
      expect(() => parseAddress(text, '--listen')).toThrow(`--listen: "${text}" is not an address`)
    },
  )

  it('of a broker has a port', () => {
    expect(parseBootstrap('k1:9092, k2:9093', 'cluster a')).toEqual(['k1:9092', 'k2:9093'])
    expect(() => parseBootstrap('k1:0', 'cluster a')).toThrow('port 0')
  })
})

describe('a control plane', () => {
  it.each([
    ['10.0.0.1:7171', 'http://10.0.0.1:7171'],
    ['https://braid.example.org/', 'https://braid.example.org'],
    ['https://example.org/braid/', 'https://example.org/braid'],
  ])('%j means %s', (value, url) => {
    expect(controlPlaneUrl(value, 'BRAID_API')).toBe(url)
  })

  it.each(['nowhere', 'ftp://host:1', 'http://', 'http://h:1/?a=1', 'http://user:secret@h:1'])(
    'refuses %j',
    (value) => {
      expect(() => controlPlaneUrl(value, 'BRAID_API')).toThrow('BRAID_API')
    },
  )
})
