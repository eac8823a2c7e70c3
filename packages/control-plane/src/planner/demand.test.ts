import { describe, expect, it } from 'vitest'
import { demandsOf, fanOut, fanOutInWords, readersHere } from './demand.ts'
import { exampleFleet, MB, topic } from './testing/example-fleet.ts'

const demandOf = demandsOf(exampleFleet())

describe('a demand', () => {
  it('is the larger of expected and measured, bytes and readers each for itself', () => {
    const quiet = {
      ...topic('a', { megabytesIn: 5, readers: 2 }),
      measured: { bytesInPerSecond: 1 * MB, readers: 7 },
    }
    expect(demandOf(quiet)).toMatchObject({ bytesInPerSecond: 5 * MB, readers: 7 })
    const busy = {
      ...topic('a', { megabytesIn: 5, readers: 2 }),
      measured: { bytesInPerSecond: 8 * MB + 0.2, readers: 1 },
    }
    expect(demandOf(busy)).toMatchObject({ bytesInPerSecond: 8 * MB + 1, readers: 2 })
  })

  it('fans out to every reader and every follower', () => {
    expect(fanOut(5 * MB, 6, 3)).toBe(40 * MB)
    expect(fanOut(5 * MB, 0, 1)).toBe(0)
    expect(fanOutInWords(demandOf(topic('a', { megabytesIn: 5, readers: 6 })), 3)).toBe(
      '5 MB/s x (6 readers + 3 - 1) = 40 MB/s',
    )
  })

  it('reads once for each replica instead of once for each reader there', () => {
    const fleet = exampleFleet({ replicas: [{ tenant: 'shop', topic: 'a', cluster: 'eu-read', readers: 4 }] })
    const demand = demandsOf(fleet)(topic('a', { megabytesIn: 5, readers: 6 }))
    expect(readersHere(demand)).toBe(3)
    expect(fanOutInWords(demand, 3)).toBe('5 MB/s x (2 readers + 1 flow + 3 - 1) = 25 MB/s')
  })

  it('takes the replication factor of the topic, else of its class', () => {
    expect(demandOf(topic('a', { sla: 'gold' })).replicationFactor).toBe(3)
    expect(demandOf(topic('a', { sla: 'gold', replicationFactor: 2 })).replicationFactor).toBe(2)
    expect(demandOf(topic('a', { sla: null })).replicationFactor).toBeNull()
  })
})
