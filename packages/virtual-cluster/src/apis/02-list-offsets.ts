import { ConnectionError } from '@braid/kafka-connection'
import { errorCodes, listOffsets } from '@braid/kafka-protocol'
import type { LiveTopic } from '../live-topic.ts'
import type { Session } from '../session.ts'
import { typed } from '../typed-call.ts'

const LATEST = -1n
const EARLIEST = -2n
const MAX_TIMESTAMP = -3n
const NOTHING = { offset: -1n, timestamp: -1n }

interface Found {
  readonly offset: bigint
  readonly timestamp: bigint
}

/** Earliest, latest and by timestamp, over the whole chain. */
export const listOffsetsHandler = typed(listOffsets, [1, 7], async (session, request) => {
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ partitionIndex, timestamp }) => {
          const answer = await findOffset(session, name, partitionIndex, timestamp, request.isolationLevel)
          return { partitionIndex, leaderEpoch: -1, ...answer }
        }),
      ),
    })),
  )
  return { topics }
})

async function findOffset(
  { engine }: Session,
  name: string,
  partition: number,
  timestamp: bigint,
  isolationLevel: number,
): Promise<Found & { errorCode: number }> {
  const topic = engine.topic(name)
  if (topic === undefined || partition < 0 || partition >= topic.route.partitions) {
    return { ...NOTHING, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  }
  try {
    const found = await overChain(topic, partition, timestamp, isolationLevel)
    return { ...found, errorCode: 0 }
  } catch (error) {
    const kafkaError = error instanceof ConnectionError ? error.kafkaError : undefined
    engine.log('debug', 'list-offsets-failed', { topic: name, partition, why: String(error) })
    return { ...NOTHING, errorCode: kafkaError ?? errorCodes.LEADER_NOT_AVAILABLE }
  }
}

async function overChain(
  topic: LiveTopic,
  partition: number,
  timestamp: bigint,
  isolationLevel: number,
): Promise<Found> {
  const { route } = topic
  if (timestamp === LATEST) {
    const latest = await ask(topic, route.active, partition, LATEST, isolationLevel)
    if (latest.offset > topic.highWatermarks[partition]!) topic.highWatermarks[partition] = latest.offset
    return latest
  }
  if (timestamp === MAX_TIMESTAMP) {
    let newest: Found = NOTHING
    for (let index = 0; index <= route.active; index++) {
      if (isPassedOver(topic, index)) continue
      const found = await ask(topic, index, partition, MAX_TIMESTAMP, isolationLevel)
      if (found.offset >= 0n && found.timestamp >= newest.timestamp) newest = found
    }
    return newest
  }
  for (let index = 0; index <= route.active; index++) {
    if (isPassedOver(topic, index)) continue
    const found = await ask(topic, index, partition, timestamp, isolationLevel)
    if (timestamp === EARLIEST) {
      // A loglet that retention has emptied starts at its cut, which is where the next one begins.
      if (index === route.active || found.offset < logicalEnd(topic, index, partition)) return found
    } else if (found.offset >= 0n) return found
  }
  return NOTHING
}

/** Whether readers pass over a loglet that is away. @throws ConnectionError where they wait for it: nobody can be asked. */
function isPassedOver({ name, route }: LiveTopic, index: number): boolean {
  const away = route.away(index)
  if (away?.readers !== 'wait') return away !== undefined
  throw new ConnectionError(
    'BROKER_ERROR',
    `${name}: loglet ${index} (${route.physicalTopic(index)} on ${route.cluster(index)}) is ${away.state}; its readers wait until it is back`,
    { cluster: route.cluster(index), kafkaError: errorCodes.LEADER_NOT_AVAILABLE },
  )
}

/** The first logical offset that the chain still has, or may have in a loglet that is away. */
export async function firstPossible(topic: LiveTopic, partition: number): Promise<bigint> {
  const { route } = topic
  for (let index = 0; index < route.active; index++) {
    if (route.away(index) !== undefined) return route.base(index, partition)
    const { offset } = await ask(topic, index, partition, EARLIEST, 0)
    if (offset < logicalEnd(topic, index, partition)) return offset
  }
  return earliestOf(topic, route.active, partition)
}

/** The first logical offset that one loglet still has; its end when it has nothing. */
export async function earliestOf(topic: LiveTopic, index: number, partition: number): Promise<bigint> {
  return (await ask(topic, index, partition, EARLIEST, 0)).offset
}

const logicalEnd = ({ route }: LiveTopic, index: number, partition: number): bigint =>
  route.end(index, partition) - route.start(index, partition) + route.base(index, partition)

/** One loglet's answer, mapped into the chain. What lies beyond its cut is nothing. */
async function ask(
  topic: LiveTopic,
  index: number,
  partition: number,
  timestamp: bigint,
  isolationLevel: number,
): Promise<Found> {
  const { route, engine } = topic
  const physicalTopic = route.physicalTopic(index)
  const cluster = engine.cluster(route.cluster(index))
  if (cluster === undefined) throw new Error(`cluster ${route.cluster(index)} is not in the route table`)
  if (cluster.leader(physicalTopic, partition) < 0) await cluster.refreshMetadata([physicalTopic])
  const connection = await cluster
    .shared(cluster.leader(physicalTopic, partition))
    .catch((error: unknown) => {
      // It may have died, and another lead by now.
      cluster.invalidate(physicalTopic, partition)
      throw error
    })
  const answer = await connection.call(
    listOffsets,
    {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: physicalTopic, partitions: [{ partitionIndex: partition, timestamp }] }],
    },
    { timeoutMs: engine.limits.brokerTimeoutMs },
  )
  const answered = answer.topics[0]?.partitions[0]
  if (answered === undefined || answered.errorCode !== 0) {
    if (answered?.errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER)
      cluster.invalidate(physicalTopic, partition)
    throw new ConnectionError(
      'BROKER_ERROR',
      `ListOffsets of ${physicalTopic}-${partition} on ${cluster.name} answered error ${answered?.errorCode}`,
      { cluster: cluster.name, kafkaError: answered?.errorCode },
    )
  }
  const end = route.end(index, partition)
  // What stands in a hole stands in a later loglet too. Behind it comes what this one has next.
  const offset = route.pastHole(index, partition, answered.offset)
  if (offset < 0n || (timestamp !== EARLIEST && end >= 0n && offset >= end)) return NOTHING
  return {
    offset: offset - route.start(index, partition) + route.base(index, partition),
    timestamp: answered.timestamp,
  }
}
