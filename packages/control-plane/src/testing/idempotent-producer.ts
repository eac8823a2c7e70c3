import { encodeBatch } from '@braid/kafka-protocol'
import type { FakeCluster } from './fake-cluster.ts'

const sequences = 2 ** 31

/** For tests: a producer with sequences. What it makes can be written again, to another cluster. */
export class IdempotentProducer {
  readonly id: bigint
  private sequence: number
  private epoch = 0

  constructor(id: bigint, sequence = 0) {
    this.id = id
    this.sequence = sequence
  }

  batch(...values: string[]): Buffer {
    const bytes = encodeBatch({
      producerId: this.id,
      producerEpoch: this.epoch,
      baseSequence: this.sequence,
      records: values.map((value) => ({ value: Buffer.from(value) })),
    })
    this.sequence = (this.sequence + values.length) % sequences
    return bytes
  }

  send(cluster: FakeCluster, topic: string, ...values: string[]): Buffer {
    const bytes = this.batch(...values)
    cluster.write(topic, 0, bytes)
    return bytes
  }

  beginAnew(): void {
    this.epoch++
    this.sequence = 0
  }
}
