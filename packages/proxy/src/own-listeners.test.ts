import { nodeId, RouteTable } from '@braid/routing-model'
import { beforeEach, describe, expect, it } from 'vitest'
import { OwnListeners } from './own-listeners.ts'

let table: RouteTable
let own: OwnListeners

beforeEach(() => {
  table = RouteTable.fromJSON({
    version: 1,
    clusters: [
      { name: 'a', number: 1, bootstrap: ['a:9092'] },
      { name: 'b', number: 2, bootstrap: ['b:9092'] },
    ],
    tenants: [{ name: 'default', home: 'a' }],
    accessPoints: [
      { id: 'me', number: 3, listeners: { a: 'old.test:1' }, bootstrap: 'old.test:0' },
      {
        id: 'other',
        number: 4,
        listeners: { a: '[::1]:9101', b: 'other.test:9102', gone: 'x:1' },
        bootstrap: 'other.test:9100',
      },
    ],
    topics: [],
  })
  own = new OwnListeners('me', 3, table)
  own.opened('a', { host: 'me.test', port: 9093 })
  own.opened('b', { host: 'me.test', port: 9094 })
})

describe('the listeners that clients are told of', () => {
  it('are this access point’s own, as they are open now, then those of the others', () => {
    expect(own.all()).toEqual([
      { nodeId: nodeId(3, 1), host: 'me.test', port: 9093 },
      { nodeId: nodeId(3, 2), host: 'me.test', port: 9094 },
      { nodeId: nodeId(4, 1), host: '::1', port: 9101 },
      { nodeId: nodeId(4, 2), host: 'other.test', port: 9102 },
    ])
  })

  it('have node ids of their own, each with its own address', () => {
    const listeners = own.all()
    expect(new Set(listeners.map((listener) => listener.nodeId)).size).toBe(listeners.length)
    expect(new Set(listeners.map(({ host, port }) => `${host}:${port}`)).size).toBe(listeners.length)
  })

  it('lead to a cluster while they are open, and while that is in the routes', () => {
    expect(own.towards('b')).toEqual({ nodeId: 30_002, host: 'me.test', port: 9094 })
    own.closed('b')
    expect(own.towards('b')).toBeUndefined()
    own.opened('gone', { host: 'me.test', port: 9095 })
    expect(own.towards('gone')).toBeUndefined()
    expect(own.all().map(({ port }) => port)).toEqual([9093, 9101, 9102])
  })

  it('of others that lead to a cluster are named in turns, and none where there is none', () => {
    const other = { nodeId: nodeId(4, 1), host: '::1', port: 9101 }
    expect([own.elsewhere('a'), own.elsewhere('a')]).toEqual([other, other])
    expect(own.elsewhere('gone')).toBeUndefined()
    own.routed(
      RouteTable.fromJSON({
        version: 2,
        clusters: [{ name: 'a', number: 1, bootstrap: ['a:9092'] }],
        tenants: [{ name: 'default', home: 'a' }],
        accessPoints: ['me', 'x', 'y'].map((id, number) => ({
          id,
          number,
          listeners: { a: `${id}.test:1` },
          bootstrap: `${id}.test:0`,
        })),
        topics: [],
      }),
    )
    const hosts = [1, 2, 3].map(() => own.elsewhere('a')!.host)
    expect(new Set(hosts)).toEqual(new Set(['x.test', 'y.test']))
    expect(hosts[0]).toBe(hosts[2])
  })

  it('take the number that the control plane gives', () => {
    own.numbered(9)
    expect(own.towards('a')!.nodeId).toBe(nodeId(9, 1))
  })

  it('are announced by cluster, an IPv6 address in brackets', () => {
    own.opened('b', { host: 'fd00::2', port: 9094 })
    expect(own.addresses()).toEqual({ a: 'me.test:9093', b: '[fd00::2]:9094' })
  })
})
