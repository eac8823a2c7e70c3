import { RouteFeed } from '@braid/control-api'
import type { ClusterConnections } from '@braid/kafka-connection'
import type { RouteTable } from '@braid/routing-model'
import { ClusterSet, questionBounds } from '../clusters/cluster-set.ts'
import { KnownBounds } from './known-bounds.ts'
import { takeLag } from './take-lag.ts'
import { UnreadSince } from './unread-since.ts'

export interface MeasureLagOptions {
  /** Where everything is: a table, or the URL of a control plane that has one. */
  readonly table?: RouteTable
  readonly controlPlane?: string
  readonly token?: string
  /** Connections to use instead of new ones, by cluster. */
  readonly clusters?: ReadonlyMap<string, ClusterConnections>
  /** Only these. */
  readonly groups?: readonly string[]
}

export interface MeasuredLag {
  readonly tenant: string
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** Logical, as all offsets that clients see. */
  readonly committed: bigint
  /** After the last record. */
  readonly end: bigint
  /** Records that the group has not read. */
  readonly records: bigint
  /** How long ago the first of them was written; 0 without any, undefined when nobody can tell now. */
  readonly seconds: number | undefined
  /** Something that counts could not be asked. */
  readonly partial: boolean
}

/**
 * The lag of every group on every partition that it has committed on, as it is now.
 *
 * @throws Error when a coordinator does not answer: a lag that is missing is no lag of zero
 */
export async function measureLag(options: MeasureLagOptions): Promise<MeasuredLag[]> {
  const feed = options.table === undefined ? await startedFeed(options) : undefined
  const table = options.table ?? feed!.table
  const set = new ClusterSet({ clientId: 'braid-monitor', ...questionBounds })
  set.follow(table)
  const clusters = (name: string) => options.clusters?.get(name) ?? set.get(name)
  const timeoutMs = questionBounds.requestTimeoutMs
  try {
    const { lags, missing } = await takeLag({
      table,
      clusters,
      bounds: new KnownBounds(),
      groups: options.groups && new Set(options.groups),
      timeoutMs,
    })
    if (missing.length > 0) throw new Error(`the lag is not known: ${missing.join('; ')}`)
    const since = new UnreadSince()
    await since.refresh(lags, clusters, timeoutMs)
    const nowMs = Date.now()
    return lags.map((lag) => {
      const { tenant, group, topic, partition, committed, end, records, partial } = lag
      const seconds = since.secondsBehind(lag, nowMs)
      return { tenant, group, topic, partition, committed, end, records, seconds, partial }
    })
  } finally {
    await Promise.all([set.close(), feed?.close()])
  }
}

async function startedFeed({ controlPlane, token }: MeasureLagOptions): Promise<RouteFeed> {
  if (controlPlane === undefined)
    throw new TypeError('measureLag takes a table, or the URL of a control plane')
  const feed = new RouteFeed({ url: controlPlane, token, onChange: () => {} })
  await feed.start()
  return feed
}
