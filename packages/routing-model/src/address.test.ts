import { expect, it } from 'vitest'
import { formatAddress, parseAddress } from './address.ts'

it.each([
  ['broker-1.test:9092', { host: 'broker-1.test', port: 9092 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['[fd00::2]:65535', { host: 'fd00::2', port: 65_535 }],
])('%s is an address, as it is written', (text, address) => {
  expect(parseAddress(text)).toEqual(address)
  expect(formatAddress(address)).toBe(text)
})

it.each(['', ':9092', '[]:9092', 'broker', 'broker:65536', 'broker:-1', 'broker:kafka', 'broker:1.5'])(
  '%j is none',
  (text) => expect(parseAddress(text)).toBeUndefined(),
)
