import { errorName, offsetCommit } from '@braid/kafka-protocol'
import { measureLag } from '@braid/monitor'
import type { RunningBraid } from '../components/running.ts'
import type { FinalCommit, StoredRecord } from '../history/contents.ts'
import { RawConnection } from './raw-connection.ts'

const COMMIT_VERSION = 7

export interface LagQuestion {
  readonly braid: RunningBraid
  readonly topic: string
  /** Read back just now; nobody writes any more. */
  readonly contents: readonly StoredRecord[]
  readonly finalCommits: readonly FinalCommit[]
}

/**
 * Where the monitor's lag is not the true one: the records at or behind a commit, counted. Beside the groups that were
 * at work, which have read everything, it asks of one that stands somewhere else in every partition.
 */
export async function wrongLags({ braid, topic, contents, finalCommits }: LagQuestion): Promise<string[]> {
  const halfWay = `${topic}-half-way`
  const commits = [...finalCommits, ...(await commitHalfWay(braid, topic, halfWay, contents))]
  const groups = [...new Set(commits.map(({ group }) => group))]
  const measured = await measureLag({ controlPlane: (await braid.leader()).url, groups })
  return commits
    .filter(({ offset }) => offset >= 0n)
    .flatMap(({ group, partition, offset }) => {
      const unread = contents.filter((record) => record.partition === partition && record.offset >= offset)
      const lag = measured.find(
        (candidate) =>
          candidate.topic === topic && candidate.group === group && candidate.partition === partition,
      )
      if (lag?.records === BigInt(unread.length) && !lag.partial) return []
      const says = lag === undefined ? 'nothing' : `${lag.records}${lag.partial ? ', in part' : ''}`
      return [
        `lag: group ${group} at ${partition}/${offset} has ${unread.length} records to read, the monitor says ${says}`,
      ]
    })
}

/** A group that commits and reads nothing: in each partition at another record, from the first one to the last. */
async function commitHalfWay(
  braid: RunningBraid,
  topic: string,
  group: string,
  contents: readonly StoredRecord[],
): Promise<FinalCommit[]> {
  const byPartition = Map.groupBy(contents, ({ partition }) => partition)
  const commits = [...byPartition].map(([partition, records], index) => {
    const at = Math.floor(((records.length - 1) * index) / Math.max(1, byPartition.size - 1))
    return { group, partition, offset: records[at]!.offset }
  })
  const proxy = braid.proxies.find(({ process }) => process.running)
  if (proxy === undefined) throw new Error('no proxy runs by which a group could commit')
  const connection = await RawConnection.open(proxy.bootstrap)
  try {
    const answer = await connection.call(offsetCommit, COMMIT_VERSION, {
      groupId: group,
      memberId: '',
      topics: [
        {
          name: topic,
          partitions: commits.map(({ partition, offset }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            committedMetadata: '',
          })),
        },
      ],
    })
    const refused = answer.topics[0]?.partitions.find(({ errorCode }) => errorCode !== 0)
    if (refused !== undefined)
      throw new Error(`group ${group} could not commit: ${errorName(refused.errorCode)}`)
    return commits
  } finally {
    connection.close()
  }
}
