import type { ControlPlaneClient } from '@braid/control-api'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { bringBack, type ClusterLoss, killCluster, returnCluster, untilGivenUp } from './cluster-loss.ts'
import { standbyReady } from './failover-topic.ts'
import { decidedAt, tookMs } from './loss-report.ts'

export interface LoseAndReturnOptions {
  readonly client: ControlPlaneClient
  /** Is on the cluster; its class fails over. */
  readonly topic: string
  readonly cluster: KafkaCluster
  /** Lets clients work while the cluster is gone, and again when it is back. */
  readonly work: () => Promise<void>
  readonly say: (what: string) => void
}

/** All brokers of a cluster are killed, it is given up by itself, starts again with its data, and is taken back. */
export async function loseAndReturn({
  client,
  topic,
  cluster,
  work,
  say,
}: LoseAndReturnOptions): Promise<ClusterLoss> {
  const { name } = cluster
  const standby = await standbyReady(client, topic)
  say(`cluster ${name} is killed; ${topic} is there, its standby is ${standby}`)
  const loss = await killCluster(cluster)
  const { failover } = await untilGivenUp(client, name)
  const seenMs = decidedAt(failover) - loss.from
  const { decisionToSwitchMs } = failover
  say(
    `cluster ${name} was given up after ${seenMs.toFixed(0)} ms, by itself; ${decisionToSwitchMs?.toFixed(0)} ms later ${topic} is on ${standby}`,
  )
  await work()
  say(`cluster ${name} starts again`)
  await bringBack(cluster)
  const returned = await returnCluster(client, name)
  say(`cluster ${name} was taken back in ${tookMs(returned)} ms: what only it had can be read again`)
  await work()
  return loss
}
