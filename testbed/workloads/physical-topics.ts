import type { Topic } from '@braid/control-api'
import { type Admin, Kafka } from 'kafkajs'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { KafkajsLog } from './kafkajs-log.ts'

/** How the judge looks at clusters themselves, past everything of ours. */
export async function askCluster<T>(cluster: KafkaCluster, ask: (admin: Admin) => Promise<T>): Promise<T> {
  const brokers = cluster.bootstrap.split(',')
  const admin = new Kafka({ brokers, logCreator: new KafkajsLog().creator }).admin()
  await admin.connect()
  try {
    return await ask(admin)
  } finally {
    await admin.disconnect()
  }
}

/** `cluster/topic` of every topic on the clusters whose name starts so. */
export async function physicalTopics(
  clusters: readonly KafkaCluster[],
  prefix: string,
): Promise<Set<string>> {
  const lists = await Promise.all(
    clusters.map(async (cluster) => {
      const topics = await askCluster(cluster, (admin) => admin.listTopics())
      return topics.filter((topic) => topic.startsWith(prefix)).map((topic) => `${cluster.name}/${topic}`)
    }),
  )
  return new Set(lists.flat())
}

/** Those that a topic's chain and its groups need; what else carries its name was left behind. */
export function neededTopics({ chain, homeTopic }: Topic, home: string): Set<string> {
  return new Set([`${home}/${homeTopic}`, ...chain.map(({ cluster, topic }) => `${cluster}/${topic}`)])
}

/** Sealed loglets that are not as long as their cut says, by what their own brokers say. */
export async function writtenBehindSeals(
  clusters: readonly KafkaCluster[],
  { chain }: Topic,
): Promise<string[]> {
  const sealed = chain.filter(({ state }) => state === 'sealed')
  const found = await Promise.all(
    sealed.map(async ({ cluster: name, topic, partitions }) => {
      const cluster = clusters.find((candidate) => candidate.name === name)
      if (cluster === undefined) throw new Error(`there is no cluster ${name}`)
      const ends = await askCluster(cluster, (admin) => admin.fetchTopicOffsets(topic))
      return ends
        .filter(({ partition, high }) => BigInt(high) !== BigInt(partitions[partition]!.end ?? -1))
        .map(
          ({ partition, high }) =>
            `${name}/${topic}-${partition} ends at ${high}, cut at ${partitions[partition]!.end}`,
        )
    }),
  )
  return found.flat()
}
