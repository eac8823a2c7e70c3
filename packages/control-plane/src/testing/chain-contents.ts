// For tests: what a reader of a topic finds, loglet after loglet.
import { baseOffset, type DecodedRecord, decodeBatch, nextOffset } from '@braid/kafka-protocol'
import type { SagaWorld } from './saga-world.ts'

export interface ReadRecord {
  /** Logical. */
  readonly offset: bigint
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** All records of a partition, in order, without those that are left out. */
export function recordsOf(world: SagaWorld, topic: string, partition = 0, tenant = 'default'): ReadRecord[] {
  const route = world.plane.board.table.topic(tenant, topic)!
  const read: ReadRecord[] = []
  for (const [index, loglet] of route.chain(partition).entries()) {
    const log = world.cluster(loglet.cluster).topic(loglet.topic).partitions[partition]!
    for (const batch of log.batches) {
      if (loglet.end !== undefined && baseOffset(batch, 0) >= loglet.end) continue
      if (route.pastHole(index, partition, baseOffset(batch, 0)) >= nextOffset(batch, 0)) continue
      for (const record of decodeBatch(batch, 0).records) {
        if (loglet.end !== undefined && record.offset >= loglet.end) continue
        read.push({
          offset: record.offset - loglet.start + loglet.base,
          value: String(record.value),
          headers: headersOf(record),
        })
      }
    }
  }
  return read
}

export const valuesOf = (world: SagaWorld, topic: string, partition = 0): string[] =>
  recordsOf(world, topic, partition).map(({ value }) => value)

function headersOf({ headers }: DecodedRecord): Record<string, string> {
  return Object.fromEntries(headers.map(({ key, value }) => [key, String(value)]))
}
