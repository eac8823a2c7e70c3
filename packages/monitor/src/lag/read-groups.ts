import type { ClusterConnections } from '@braid/kafka-connection'
import { listGroups, offsetFetch } from '@braid/kafka-protocol'

export interface GroupOnHome {
  readonly group: string
  /** Undefined when the coordinator does not say (Kafka before 2.6). */
  readonly hasMembers: boolean | undefined
  readonly coordinator: number
}

/** What a group has committed, under home's names of topics. */
export interface Commit {
  readonly group: GroupOnHome
  readonly homeTopic: string
  readonly partition: number
  readonly offset: bigint
}

export interface Commits {
  readonly commits: readonly Commit[]
  /** Coordinators that did not answer, and why: their groups are missing. */
  readonly missing: readonly string[]
}

/** Groups in one OffsetFetch (its batched form, KIP-709). */
const GROUPS_MAX = 100
/** The batched form. */
const BATCHED_FROM = 8
const withoutMembers: ReadonlySet<string> = new Set(['Empty', 'Dead'])

/**
 * What all groups of a cluster have committed; of `groups` only, when given. Each broker lists the groups that it
 * coordinates, and is asked for their commits at once. Never rejects.
 */
export async function readCommits(
  cluster: ClusterConnections,
  groups?: ReadonlySet<string>,
): Promise<Commits> {
  let brokers: readonly { readonly id: number }[]
  try {
    brokers = await cluster.brokers()
  } catch (error) {
    return { commits: [], missing: [(error as Error).message] }
  }
  const commits: Commit[] = []
  const missing: string[] = []
  await Promise.all(
    brokers.map(async ({ id }) => {
      try {
        const ofBroker = await groupsOf(cluster, id, groups)
        for (let from = 0; from < ofBroker.length; from += GROUPS_MAX)
          await fetchCommits(cluster, id, ofBroker.slice(from, from + GROUPS_MAX), commits, missing)
      } catch (error) {
        missing.push((error as Error).message)
      }
    }),
  )
  return { commits, missing }
}

async function groupsOf(
  cluster: ClusterConnections,
  coordinator: number,
  wanted: ReadonlySet<string> | undefined,
): Promise<GroupOnHome[]> {
  const connection = await cluster.shared(coordinator)
  const { groups, errorCode } = await connection.call(listGroups, {})
  if (errorCode !== 0)
    throw new Error(`${cluster.name} broker ${coordinator} does not list its groups: error ${errorCode}`)
  return groups
    .filter(({ groupId }) => wanted === undefined || wanted.has(groupId))
    .map(({ groupId, groupState }) => ({
      group: groupId,
      hasMembers: groupState === '' ? undefined : !withoutMembers.has(groupState),
      coordinator,
    }))
}

async function fetchCommits(
  cluster: ClusterConnections,
  coordinator: number,
  groups: readonly GroupOnHome[],
  commits: Commit[],
  missing: string[],
): Promise<void> {
  const connection = await cluster.shared(coordinator)
  const byName = new Map(groups.map((group) => [group.group, group]))
  if (connection.versionOf(offsetFetch) < BATCHED_FROM)
    throw new Error(`${cluster.name} broker ${coordinator} is older than Kafka 3.0`)
  const asked = groups.map(({ group }) => ({ groupId: group, topics: null }))
  const answer = await connection.call(offsetFetch, { groups: asked })
  for (const { groupId, errorCode, topics } of answer.groups) {
    const group = byName.get(groupId)
    if (group === undefined) continue
    if (errorCode !== 0) {
      missing.push(`${cluster.name} group ${groupId}: its commits are answered with error ${errorCode}`)
      continue
    }
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, committedOffset, errorCode } of partitions) {
        if (errorCode !== 0 || committedOffset < 0n) continue
        commits.push({ group, homeTopic: name, partition: partitionIndex, offset: committedOffset })
      }
    }
  }
}
