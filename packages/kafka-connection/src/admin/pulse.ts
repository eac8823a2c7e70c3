import { metadata } from '@braid/kafka-protocol'
import type { BrokerConnection } from '../broker-connection.ts'
import type { ClusterConnections } from '../cluster-connections.ts'
import { ConnectionError } from '../errors.ts'

/** Asked at a time: while one of them answers, the cluster is there. */
const brokersMax = 3

/**
 * Asks whether the cluster is there: resolves when any of its brokers answers a tiny request, rejects when none of some
 * did within `timeoutMs`. For connections of its own: what others wait for must not stand before it.
 */
export async function pulse(cluster: ClusterConnections, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const said = `${cluster.name}: no broker answered within ${timeoutMs} ms`
      reject(new ConnectionError('TIMED_OUT', said, { cluster: cluster.name }))
    }, timeoutMs)
    timer.unref()
  })
  try {
    await Promise.race([late, askAny(cluster, timeoutMs)])
  } finally {
    clearTimeout(timer)
  }
}

async function askAny(cluster: ClusterConnections, timeoutMs: number): Promise<void> {
  const known = await cluster.brokers()
  const first = Math.floor(cluster.options.random() * known.length)
  const asked = Array.from(
    { length: Math.min(brokersMax, known.length) },
    (_, i) => known[(first + i) % known.length]!,
  )
  const ask = async (connection: Promise<BrokerConnection>) => {
    await (await connection).call(metadata, { topics: [], allowAutoTopicCreation: false }, { timeoutMs })
  }
  // Also by the bootstrap addresses: all that is known may have moved.
  const all = [
    ...asked.map(({ id }) => ask(cluster.shared(id))),
    ...(asked.length < 1 ? [ask(cluster.any())] : []),
  ]
  try {
    await Promise.any(all)
  } catch (error) {
    throw (error as AggregateError).errors[0]
  }
}
