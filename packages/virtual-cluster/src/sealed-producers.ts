import { type BrokerConnection, type ClusterConnections, ConnectionError } from '@braid/kafka-connection'
import {
  baseOffset,
  baseSequence,
  describeProducers,
  fetch,
  listOffsets,
  producerEpoch,
  producerId,
  walkBatches,
} from '@braid/kafka-protocol'
import type { ActiveState, ProducerState } from './handover.ts'

/** ListOffsets as a follower would ask: answers the log end, not the high watermark. */
const DEBUG_REPLICA = -2
const CONSUMER = -1
const LATEST = -1n
const EARLIEST = -2n

/**
 * Reads what a loglet's brokers know of producers, for all the partitions asked, one burst a leader: log end,
 * DescribeProducers, log end. Whether that is what the loglet knew at its cut, `finality` says.
 *
 * @returns by partition; those that no leader answered for are left out.
 * @throws ConnectionError when a leader cannot be reached.
 */
export async function readProducers(
  cluster: ClusterConnections,
  physicalTopic: string,
  partitions: readonly number[],
  timeoutMs: number,
): Promise<Map<number, ReadProducers>> {
  if (partitions.some((partition) => cluster.leader(physicalTopic, partition) < 0)) {
    await cluster.refreshMetadata([physicalTopic])
  }
  const byLeader = new Map<number, number[]>()
  for (const partition of partitions) {
    const leader = cluster.leader(physicalTopic, partition)
    if (leader < 0) continue
    const list = byLeader.get(leader)
    if (list === undefined) byLeader.set(leader, [partition])
    else list.push(partition)
  }
  const read = new Map<number, ReadProducers>()
  await Promise.all(
    [...byLeader].map(async ([leader, indexes]) => {
      const connection = await connectionTo(cluster, physicalTopic, leader, indexes)
      // One connection answers in order, so the three are a sandwich in time at the cost of one round trip.
      const [before, described, after] = await Promise.all([
        logEnds(connection, physicalTopic, indexes, timeoutMs),
        connection.call(
          describeProducers,
          { topics: [{ name: physicalTopic, partitionIndexes: indexes }] },
          { timeoutMs },
        ),
        logEnds(connection, physicalTopic, indexes, timeoutMs),
      ])
      for (const partition of described.topics[0]?.partitions ?? []) {
        const logEndBefore = before.get(partition.partitionIndex)
        const logEndAfter = after.get(partition.partitionIndex)
        if (partition.errorCode !== 0 || logEndBefore === undefined || logEndAfter === undefined) {
          // Another broker may lead it by now: the next try looks it up.
          cluster.invalidate(physicalTopic, partition.partitionIndex)
          continue
        }
        const producers = new Map<bigint, ProducerState>()
        for (const producer of partition.activeProducers) {
          producers.set(producer.producerId, {
            epoch: producer.producerEpoch,
            lastSequence: producer.lastSequence,
            cluster: cluster.name,
            physicalTopic,
            isFinal: true,
          })
        }
        read.set(partition.partitionIndex, { logEndBefore, logEndAfter, producers })
      }
    }),
  )
  return read
}

export interface ReadProducers {
  readonly logEndBefore: bigint
  readonly logEndAfter: bigint
  readonly producers: Map<bigint, ProducerState>
}

/** Whether what was read is what the loglet knew at its cut. */
export type Finality = 'final' | 'too-early' | 'strays'

export function finality(read: ReadProducers, cut: bigint): Finality {
  if (read.logEndBefore < cut) return 'too-early'
  return read.logEndAfter > cut ? 'strays' : 'final'
}

/** Takes back what batches beyond the cut did to the producers' states. */
export async function withoutStrays(
  cluster: ClusterConnections,
  physicalTopic: string,
  partition: number,
  cut: bigint,
  read: ReadProducers,
  timeoutMs: number,
): Promise<ReadonlyMap<bigint, ProducerState>> {
  const producers = new Map(read.producers)
  const firstStray = new Map<bigint, { epoch: number; sequence: number }>()
  let at = cut
  while (at < read.logEndAfter) {
    const records = await fetchRecords(cluster, physicalTopic, partition, at, 4 * 1024 * 1024, timeoutMs)
    let next = at
    walkBatches(records, (position) => {
      const offset = baseOffset(records, position)
      const pid = producerId(records, position)
      if (offset >= cut && pid >= 0n && !firstStray.has(pid)) {
        firstStray.set(pid, {
          epoch: producerEpoch(records, position),
          sequence: baseSequence(records, position),
        })
      }
      next = offset + BigInt(records.readInt32BE(position + 23)) + 1n
    })
    if (next <= at) {
      throw new Error(
        `${physicalTopic}-${partition} on ${cluster.name} cannot be read yet at ${at}, behind its cut`,
      )
    }
    at = next
  }
  for (const [pid, stray] of firstStray) {
    const state = producers.get(pid)
    if (state === undefined) continue
    // Sequence 0 as the first stray: the producer, or this epoch of it, had nothing before the cut.
    if (stray.sequence === 0) producers.delete(pid)
    else producers.set(pid, { ...state, epoch: stray.epoch, lastSequence: stray.sequence - 1 })
  }
  return producers
}

/** What the leader of the active loglet knows of producers. */
export async function activeProducers(
  cluster: ClusterConnections,
  physicalTopic: string,
  partition: number,
  timeoutMs: number,
): Promise<ReadonlyMap<bigint, ActiveState>> {
  const connection = await leaderConnection(cluster, physicalTopic, partition)
  const answer = await connection.call(
    describeProducers,
    { topics: [{ name: physicalTopic, partitionIndexes: [partition] }] },
    { timeoutMs },
  )
  const described = answer.topics[0]?.partitions[0]
  if (described === undefined || described.errorCode !== 0) {
    cluster.invalidate(physicalTopic, partition)
    throw new ConnectionError(
      'BROKER_ERROR',
      `DescribeProducers of ${physicalTopic}-${partition} on ${cluster.name} answered error ${described?.errorCode}`,
      { cluster: cluster.name, kafkaError: described?.errorCode },
    )
  }
  return new Map(
    described.activeProducers.map(({ producerId, producerEpoch, lastSequence }) => [
      producerId,
      { epoch: producerEpoch, lastSequence, records: 1 },
    ]),
  )
}

/** The shared connection to a partition's leader, which is looked up when it is not known. */
async function leaderConnection(
  cluster: ClusterConnections,
  physicalTopic: string,
  partition: number,
): Promise<BrokerConnection> {
  if (cluster.leader(physicalTopic, partition) < 0) await cluster.refreshMetadata([physicalTopic])
  return connectionTo(cluster, physicalTopic, cluster.leader(physicalTopic, partition), [partition])
}

/** A leader that cannot be reached is not believed again: the next try looks it up. */
async function connectionTo(
  cluster: ClusterConnections,
  physicalTopic: string,
  leader: number,
  partitions: readonly number[],
): Promise<BrokerConnection> {
  try {
    return await cluster.shared(leader)
  } catch (error) {
    for (const partition of partitions) cluster.invalidate(physicalTopic, partition)
    throw error
  }
}

/**
 * Where a batch that landed stands in a sealed loglet: its physical base offset, searched from the log's end
 * backwards. Undefined: not within `maxBytes` of the end.
 */
export async function findBatch(
  cluster: ClusterConnections,
  physicalTopic: string,
  partition: number,
  batch: { readonly producerId: bigint; readonly epoch: number; readonly sequence: number },
  range: { readonly from: bigint; readonly to: bigint },
  maxBytes: number,
  timeoutMs: number,
): Promise<bigint | undefined> {
  // Retention may have taken the loglet's beginning, and what stood there with it.
  const logStart = await earliest(cluster, physicalTopic, partition, timeoutMs)
  const first = laterOffset(logStart, range.from)
  let to = range.to
  let window = 256n
  let readBytes = 0
  while (to > first && readBytes < maxBytes) {
    const from = laterOffset(to - window, first)
    let at = from
    let found: bigint | undefined
    while (at < to && readBytes < maxBytes) {
      const records = await fetchRecords(cluster, physicalTopic, partition, at, 1024 * 1024, timeoutMs)
      if (records.length === 0) break
      readBytes += records.length
      let next = at
      walkBatches(records, (position) => {
        if (
          baseSequence(records, position) === batch.sequence &&
          producerEpoch(records, position) === batch.epoch &&
          producerId(records, position) === batch.producerId
        ) {
          found = baseOffset(records, position)
        }
        next = baseOffset(records, position) + BigInt(records.readInt32BE(position + 23)) + 1n
      })
      if (found !== undefined) return found
      if (next <= at) break
      at = next
    }
    to = from
    window *= 4n
  }
  return undefined
}

async function earliest(
  cluster: ClusterConnections,
  physicalTopic: string,
  partition: number,
  timeoutMs: number,
): Promise<bigint> {
  const connection = await leaderConnection(cluster, physicalTopic, partition)
  const starts = await offsets(connection, physicalTopic, [partition], CONSUMER, EARLIEST, timeoutMs)
  const start = starts.get(partition)
  if (start !== undefined) return start
  cluster.invalidate(physicalTopic, partition)
  throw new ConnectionError(
    'BROKER_ERROR',
    `ListOffsets of ${physicalTopic}-${partition} on ${cluster.name} answered an error`,
    { cluster: cluster.name },
  )
}

const logEnds = (
  connection: BrokerConnection,
  physicalTopic: string,
  partitions: readonly number[],
  timeoutMs: number,
): Promise<Map<number, bigint>> =>
  offsets(connection, physicalTopic, partitions, DEBUG_REPLICA, LATEST, timeoutMs)

async function offsets(
  connection: BrokerConnection,
  physicalTopic: string,
  partitions: readonly number[],
  replicaId: number,
  timestamp: bigint,
  timeoutMs: number,
): Promise<Map<number, bigint>> {
  const answer = await connection.call(
    listOffsets,
    {
      replicaId,
      isolationLevel: 0,
      topics: [
        {
          name: physicalTopic,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })),
        },
      ],
    },
    { timeoutMs },
  )
  const found = new Map<number, bigint>()
  for (const partition of answer.topics[0]?.partitions ?? []) {
    if (partition.errorCode === 0) found.set(partition.partitionIndex, partition.offset)
  }
  return found
}

async function fetchRecords(
  cluster: ClusterConnections,
  physicalTopic: string,
  partition: number,
  offset: bigint,
  maxBytes: number,
  timeoutMs: number,
): Promise<Buffer> {
  const connection = await leaderConnection(cluster, physicalTopic, partition)
  const answer = await connection.call(
    fetch,
    {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: physicalTopic,
          partitions: [
            { partition, currentLeaderEpoch: -1, fetchOffset: offset, partitionMaxBytes: maxBytes },
          ],
        },
      ],
      forgottenTopicsData: [],
    },
    { version: 10, timeoutMs },
  )
  const answered = answer.responses[0]?.partitions[0]
  if (answered === undefined || answered.errorCode !== 0) {
    cluster.invalidate(physicalTopic, partition)
    throw new ConnectionError(
      'BROKER_ERROR',
      `Fetch of ${physicalTopic}-${partition} at ${offset} on ${cluster.name} answered error ${answered?.errorCode}`,
      { cluster: cluster.name, kafkaError: answered?.errorCode },
    )
  }
  return answered.records ?? Buffer.alloc(0)
}

const laterOffset = (a: bigint, b: bigint): bigint => {
  if (a > b) return a
  return b
}
