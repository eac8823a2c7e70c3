import { corruptProbe, errorCodes, errorName, listOffsets, produce } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { isRefusal } from '../rights.ts'
import { byLeader } from './by-leader.ts'
import { CONSUMER, DEBUGGING, LATEST, listOffsetsRequest } from './log-ends.ts'

const ACKS_ALL = -1
const PROBE_TIMEOUT_MS = 5_000

export interface Cuts {
  /** per partition: the probe was refused as sealed, and the high watermark has reached the log end */
  readonly sealed: boolean[]
  /** per partition: the log end offset, read after the probe; -1n where it could not be read */
  readonly cuts: bigint[]
  /** the partitions that are not sealed, and why, for messages */
  readonly pending: { readonly partition: number; readonly reason: string }[]
}

/** What one partition's leader said, in the order in which it was asked. */
export interface CutAnswers {
  readonly probeError: number
  readonly logEnd: { readonly errorCode: number; readonly offset: bigint }
  readonly highWatermark: { readonly errorCode: number; readonly offset: bigint }
}

/**
 * Whether these answers are a cut; if not, why not. The probe comes first: a log end read after the refusal has all that
 * was appended before the seal, save what a broker had validated by then and appends a moment later (the caller reads
 * again before it relies on the cut). The high watermark comes last, so that equality means: all of it is replicated.
 */
export function judgeCut({
  probeError,
  logEnd,
  highWatermark,
}: CutAnswers): 'sealed' | { readonly reason: string } {
  if (probeError === errorCodes.CORRUPT_MESSAGE) return { reason: 'not sealed yet' }
  if (probeError !== errorCodes.MESSAGE_TOO_LARGE) {
    const todo = isRefusal(probeError) ? ': our user lacks Write on the topic, grant it with kafka-acls' : ''
    return { reason: `the probe got ${errorName(probeError)}${todo}` }
  }
  const readError = logEnd.errorCode || highWatermark.errorCode
  if (readError !== 0) {
    const todo = isRefusal(readError)
      ? ': our user lacks Describe on the topic, grant it with kafka-acls'
      : ''
    return { reason: `its end cannot be read, ${errorName(readError)}${todo}` }
  }
  if (highWatermark.offset < logEnd.offset) {
    return { reason: `its followers have ${highWatermark.offset} of ${logEnd.offset}` }
  }
  return 'sealed'
}

/**
 * Probes all partitions and reads their ends: per leader one burst of three requests on one connection, which the broker
 * answers in order, so it costs one round trip. Writes nothing. Never rejects because a partition is not ready or a
 * broker is away: that stands in `pending`, and the caller asks again.
 */
export async function readCuts(
  cluster: ClusterConnections,
  topic: string,
  partitions: number,
): Promise<Cuts> {
  const cuts: Cuts = {
    sealed: new Array(partitions).fill(false),
    cuts: new Array(partitions).fill(-1n),
    pending: [],
  }
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  let unknown = 'its leader is not known'
  if (byLeader(cluster, topic, all).has(-1)) {
    await cluster.refreshMetadata([topic]).catch((error: Error) => {
      unknown = error.message
    })
  }
  await Promise.all(
    [...byLeader(cluster, topic, all)].map(async ([leader, group]) => {
      if (leader < 0) {
        for (const partition of group) cuts.pending.push({ partition, reason: unknown })
        return
      }
      try {
        await askLeader(cluster, topic, leader, group, cuts)
      } catch (error) {
        for (const partition of group) {
          cuts.pending.push({ partition, reason: (error as Error).message })
          cluster.invalidate(topic, partition)
        }
      }
    }),
  )
  cuts.pending.sort((a, b) => a.partition - b.partition)
  return cuts
}

async function askLeader(
  cluster: ClusterConnections,
  topic: string,
  leader: number,
  group: readonly number[],
  cuts: Cuts,
): Promise<void> {
  const connection = await cluster.shared(leader)
  const records = corruptProbe()
  const probes = {
    acks: ACKS_ALL,
    timeoutMs: PROBE_TIMEOUT_MS,
    topicData: [{ name: topic, partitionData: group.map((index) => ({ index, records })) }],
  }
  // Sent in one tick: one write, answered one behind the other.
  const options = { timeoutMs: cluster.options.lookupTimeoutMs }
  const [probed, logEnds, highWatermarks] = await Promise.all([
    connection.call(produce, probes, options),
    connection.call(listOffsets, listOffsetsRequest(topic, group, LATEST, DEBUGGING), options),
    connection.call(listOffsets, listOffsetsRequest(topic, group, LATEST, CONSUMER), options),
  ])
  const probeErrors = new Map<number, number>()
  for (const answer of probed.responses.flatMap((t) => t.partitionResponses)) {
    probeErrors.set(answer.index, answer.errorCode)
  }
  const logEndOf = byPartition(logEnds.topics)
  const highWatermarkOf = byPartition(highWatermarks.topics)
  for (const partition of group) {
    const probeError = probeErrors.get(partition)
    const logEnd = logEndOf.get(partition)
    const highWatermark = highWatermarkOf.get(partition)
    if (probeError === undefined || logEnd === undefined || highWatermark === undefined) {
      cuts.pending.push({ partition, reason: `broker ${leader} left it out of its answer` })
      continue
    }
    const verdict = judgeCut({ probeError, logEnd, highWatermark })
    if (logEnd.errorCode === 0) cuts.cuts[partition] = logEnd.offset
    if (verdict === 'sealed') cuts.sealed[partition] = true
    else cuts.pending.push({ partition, reason: verdict.reason })
    if (movedAway(probeError) || movedAway(logEnd.errorCode)) cluster.invalidate(topic, partition)
  }
}

function movedAway(errorCode: number): boolean {
  return (
    errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER || errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  )
}

interface EndAnswer {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly offset: bigint
}

function byPartition(
  topics: readonly { readonly partitions: readonly EndAnswer[] }[],
): Map<number, EndAnswer> {
  const found = new Map<number, EndAnswer>()
  for (const topic of topics) for (const answer of topic.partitions) found.set(answer.partitionIndex, answer)
  return found
}
