import type { RouteTable, TopicRoute } from '@braid/routing-model'
import type { Clusters } from '../clusters/cluster-set.ts'
import type { KnownBounds, TopicWanted } from './known-bounds.ts'
import { type HolesOf, type Lag, lagOf, logicalEndOf } from './lag-of.ts'
import { type Commit, readCommits } from './read-groups.ts'

/** One group on one partition. Offsets are logical. */
export interface PartitionLag extends Lag {
  readonly tenant: string
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly committed: bigint
  /** After the last record. */
  readonly end: bigint
  readonly hasMembers: boolean | undefined
  readonly route: TopicRoute
}

export interface LagRound {
  readonly lags: readonly PartitionLag[]
  /** Coordinators that did not answer, and why: lags of their groups are missing. */
  readonly missing: readonly string[]
  /** Clusters that did not tell all that they were asked: what was last known of their logs is counted. */
  readonly late: ReadonlySet<string>
}

export interface LagQuestion {
  readonly table: RouteTable
  readonly clusters: Clusters
  readonly bounds: KnownBounds
  /** Of all when absent. */
  readonly groups?: ReadonlySet<string> | undefined
  readonly timeoutMs: number
}

interface RoutedCommit {
  readonly route: TopicRoute
  readonly commit: Commit
}

/**
 * The lag of every group that has committed on a topic of the routes. Commits are read first and ends afterwards, so
 * that nothing is counted twice and a lag is never below zero.
 */
export async function takeLag({
  table,
  clusters,
  bounds,
  groups,
  timeoutMs,
}: LagQuestion): Promise<LagRound> {
  const { commits, missing } = await routedCommits(table, clusters, groups)
  const wanted = new Map<TopicRoute, Set<number>>()
  for (const { route, commit } of commits) {
    const partitions = wanted.get(route)
    if (partitions === undefined) wanted.set(route, new Set([commit.partition]))
    else partitions.add(commit.partition)
  }
  const topics = [...wanted].map(([route, partitions]): TopicWanted => ({ route, partitions }))
  const late = await bounds.refresh(topics, clusters, timeoutMs)
  const lags = commits.map(({ route, commit }) => partitionLag(route, commit, bounds, late))
  return { lags, missing, late }
}

async function routedCommits(
  table: RouteTable,
  clusters: Clusters,
  groups: ReadonlySet<string> | undefined,
): Promise<{ commits: RoutedCommit[]; missing: string[] }> {
  // Home topics of one cluster by name: tenants that share a home have none in common.
  const homes = new Map<string, Map<string, TopicRoute>>()
  for (const { name, home } of table.tenants.values()) {
    const topics = homes.get(home) ?? new Map<string, TopicRoute>()
    homes.set(home, topics)
    for (const route of table.topics(name)) topics.set(route.homeTopic, route)
  }
  const commits: RoutedCommit[] = []
  const missing: string[] = []
  await Promise.all(
    [...homes].map(async ([home, topics]) => {
      if (topics.size === 0) return
      const cluster = clusters(home)
      if (cluster === undefined) {
        missing.push(`${home} does not answer, which is the home of groups`)
        return
      }
      const found = await readCommits(cluster, groups)
      missing.push(...found.missing)
      for (const commit of found.commits) {
        const route = topics.get(commit.homeTopic)
        if (route !== undefined && commit.partition < route.partitions) commits.push({ route, commit })
      }
    }),
  )
  return { commits, missing }
}

function partitionLag(
  route: TopicRoute,
  { group: { group, hasMembers }, partition, offset }: Commit,
  bounds: KnownBounds,
  late: ReadonlySet<string>,
): PartitionLag {
  const { starts, ends } = bounds.of(route, partition)
  const chain = route.chain(partition)
  const lag = lagOf(chain, ends, starts, offset, holesOf(route, partition))
  const from = lag.firstUnread?.loglet ?? route.active
  const isLate = chain.slice(from).some(({ cluster }) => late.has(cluster))
  return {
    ...lag,
    partial: lag.partial || isLate,
    tenant: route.tenant,
    group,
    topic: route.name,
    partition,
    committed: offset,
    end: logicalEndOf(chain, ends),
    hasMembers,
    route,
  }
}

export function holesOf(route: TopicRoute, partition: number): HolesOf {
  return {
    within: (loglet, from, to) => route.holesWithin(loglet, partition, from, to),
    past: (loglet, physical) => route.pastHole(loglet, partition, physical),
  }
}
