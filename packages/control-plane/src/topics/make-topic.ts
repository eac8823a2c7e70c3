// Physical topics of new topics. A name that exists was made by an earlier try: it is nobody else's.
import { clusterRefusal } from '../clusters/clusters.ts'
import type { KafkaCluster, PhysicalTopicFacts } from '../clusters/kafka-cluster.ts'
import { Refusal } from '../refusal.ts'
import { isSealed, sealedMaxMessageBytes } from './copied-configs.ts'

export interface TopicToMake {
  /** As people call it. */
  readonly name: string
  /** As the cluster shall call it. */
  readonly physical: string
  readonly partitions: number
  /** Null leaves it to the cluster. */
  readonly replicationFactor: number | null
  readonly configs: Readonly<Record<string, string>>
}

/** Resolves once its partitions have leaders. */
export async function makeTopic(
  cluster: KafkaCluster,
  { name, physical, partitions, replicationFactor, configs }: TopicToMake,
  leadersMaxMs: number,
): Promise<PhysicalTopicFacts> {
  const what = `topic ${name} could not be created on ${cluster.name}`
  let found: PhysicalTopicFacts | undefined
  try {
    await cluster.createTopic({
      topic: physical,
      partitions,
      ...(replicationFactor !== null && { replicationFactor }),
      configs,
    })
    await cluster.waitForLeaders(physical, partitions, leadersMaxMs)
    found = await cluster.describe(physical)
  } catch (error) {
    throw clusterRefusal(error, what)
  }
  if (found === undefined) throw new Refusal('INTERNAL', `${what}: it is gone again`)
  if (isSealed(found.configs)) {
    throw new Refusal('TOPIC_CONFIG_REFUSED', `${what}: max.message.bytes=1 would refuse every record`)
  }
  return found
}

/** The empty, sealed topic on a tenant's home under whose name groups commit for a topic that is elsewhere. */
export async function makeStub(
  home: KafkaCluster,
  { name, physical, partitions }: Pick<TopicToMake, 'name' | 'physical' | 'partitions'>,
  leadersMaxMs: number,
): Promise<void> {
  try {
    await home.createTopic({
      topic: physical,
      partitions,
      configs: { 'max.message.bytes': sealedMaxMessageBytes },
    })
    await home.waitForLeaders(physical, partitions, leadersMaxMs)
  } catch (error) {
    throw clusterRefusal(
      error,
      `the place on ${home.name} where groups of topic ${name} commit could not be made`,
    )
  }
}
