import { describe, expect, it } from 'vitest'
import { parseAttach } from './attach.ts'

describe('--attach', () => {
  it('names clusters in order', () => {
    expect(parseAttach('a=127.0.0.1:19092, eu-west=k1:9092')).toEqual([
      { name: 'a', bootstrap: ['127.0.0.1:19092'] },
      { name: 'eu-west', bootstrap: ['k1:9092'] },
    ])
  })

  it('takes several brokers of one cluster, as bootstrap.servers has them', () => {
    expect(parseAttach('a=k1:9092,k2:9092,b=k3:9092')).toEqual([
      { name: 'a', bootstrap: ['k1:9092', 'k2:9092'] },
      { name: 'b', bootstrap: ['k3:9092'] },
    ])
  })

  it.each([
    ['127.0.0.1:9092', 'has no name'],
    ['a=', 'is not an address'],
    ['a=host', 'is not an address'],
    ['a=host:1,b', 'is not an address'],
    ['=host:1', 'cannot be the name of a cluster'],
    ['a b=host:1', 'cannot be the name of a cluster'],
    ['a=host:1,a=host:2', 'named twice'],
    ['', 'has no name'],
  ])('refuses %j: %s', (text, why) => {
    expect(() => parseAttach(text)).toThrow(why)
  })
})
