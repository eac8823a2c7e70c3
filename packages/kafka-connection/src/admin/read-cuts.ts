import { corruptProbe, errorCodes, errorName, listOffsets, produce } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { isRefusal } from '../rights.ts'
import { type LeaderShare, sharesByLeader } from './by-leader.ts'
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

/** As readCutsOfTopics, of one topic. */
export async function readCuts(
  cluster: ClusterConnections,
  topic: string,
  partitions: number,
): Promise<Cuts> {
  return (await readCutsOfTopics(cluster, [{ topic, partitions }]))[0]!
}

export interface TopicToCut {
  readonly topic: string
  readonly partitions: number
}

/** What is found of one topic, as it is found. */
interface Finding extends Cuts, TopicToCut {}

type Share = LeaderShare<Finding>

/**
 * Probes all partitions of all topics and reads their ends: per leader one burst of three requests on one connection,
 * which the broker answers in order, so it costs one round trip. Writes nothing. Never rejects because a partition is
 * not ready or a broker is away: that stands in `pending`, and the caller asks again. Answers in the order of `topics`.
 */
export async function readCutsOfTopics(
  cluster: ClusterConnections,
  topics: readonly TopicToCut[],
): Promise<Cuts[]> {
  const findings = topics.map(
    ({ topic, partitions }): Finding => ({
      topic,
      partitions,
      sealed: new Array(partitions).fill(false),
      cuts: new Array(partitions).fill(-1n),
      pending: [],
    }),
  )
  let unknown = 'its leader is not known'
  const lost = sharesByLeader(cluster, findings).get(-1)
  if (lost !== undefined) {
    const names = lost.map(({ of: { topic } }) => topic)
    await cluster.refreshMetadata(names).catch((error: Error) => {
      unknown = error.message
    })
  }
  const pend = (shares: readonly Share[], reason: string) => {
    for (const { of: finding, partitions } of shares)
      for (const partition of partitions) finding.pending.push({ partition, reason })
  }
  await Promise.all(
    [...sharesByLeader(cluster, findings)].map(async ([leader, shares]) => {
      if (leader < 0) return pend(shares, unknown)
      try {
        await askLeader(cluster, leader, shares)
      } catch (error) {
        pend(shares, (error as Error).message)
        for (const { of: finding, partitions } of shares)
          for (const partition of partitions) cluster.invalidate(finding.topic, partition)
      }
    }),
  )
  return findings.map(({ sealed, cuts, pending }) => ({
    sealed,
    cuts,
    pending: pending.sort((a, b) => a.partition - b.partition),
  }))
}

async function askLeader(
  cluster: ClusterConnections,
  leader: number,
  shares: readonly Share[],
): Promise<void> {
  const connection = await cluster.shared(leader)
  const records = corruptProbe()
  const probes = {
    acks: ACKS_ALL,
    timeoutMs: PROBE_TIMEOUT_MS,
    topicData: shares.map(({ of: finding, partitions }) => ({
      name: finding.topic,
      partitionData: partitions.map((index) => ({ index, records })),
    })),
  }
  const latest = (replicaId: number) => ({
    replicaId,
    topics: shares.flatMap(
      ({ of: finding, partitions }) =>
        listOffsetsRequest(finding.topic, partitions, LATEST, replicaId).topics,
    ),
  })
  // Sent in one tick: one write, answered one behind the other.
  const options = { timeoutMs: cluster.options.lookupTimeoutMs }
  const [probed, logEnds, highWatermarks] = await Promise.all([
    connection.call(produce, probes, options),
    connection.call(listOffsets, latest(DEBUGGING), options),
    connection.call(listOffsets, latest(CONSUMER), options),
  ])
  const probesOf = new Map(probed.responses.map((t) => [t.name, t.partitionResponses]))
  const logEndsOf = new Map(logEnds.topics.map((t) => [t.name, t.partitions]))
  const highWatermarksOf = new Map(highWatermarks.topics.map((t) => [t.name, t.partitions]))
  for (const { of: finding, partitions } of shares) {
    const { topic } = finding
    const probeErrors = new Map((probesOf.get(topic) ?? []).map((a) => [a.index, a.errorCode]))
    const logEndOf = byPartition(logEndsOf.get(topic) ?? [])
    const highWatermarkOf = byPartition(highWatermarksOf.get(topic) ?? [])
    for (const partition of partitions) {
      const probeError = probeErrors.get(partition)
      const logEnd = logEndOf.get(partition)
      const highWatermark = highWatermarkOf.get(partition)
      if (probeError === undefined || logEnd === undefined || highWatermark === undefined) {
        finding.pending.push({ partition, reason: `broker ${leader} left it out of its answer` })
        continue
      }
      const verdict = judgeCut({ probeError, logEnd, highWatermark })
      if (logEnd.errorCode === 0) finding.cuts[partition] = logEnd.offset
      if (verdict === 'sealed') finding.sealed[partition] = true
      else finding.pending.push({ partition, reason: verdict.reason })
      if (movedAway(probeError) || movedAway(logEnd.errorCode)) cluster.invalidate(topic, partition)
    }
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

function byPartition(partitions: readonly EndAnswer[]): Map<number, EndAnswer> {
  return new Map(partitions.map((answer) => [answer.partitionIndex, answer]))
}
