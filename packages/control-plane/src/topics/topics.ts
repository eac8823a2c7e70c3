import { randomUUID } from 'node:crypto'
import { defaultTenant, type TopicAdoption, type TopicCreation } from '@braid/control-api'
import { type PhysicalTopic, TopicRoute } from '@braid/routing-model'
import { clusterRefusal } from '../clusters/clusters.ts'
import type { PhysicalTopicFacts } from '../clusters/kafka-cluster.ts'
import type { Plane } from '../plane.ts'
import { Refusal, unknownTopic } from '../refusal.ts'
import { migrationInProgress } from '../sagas/migration-messages.ts'
import { checkCapacity } from './capacity.ts'
import { isCompacted, isSealed, sealedMaxMessageBytes } from './copied-configs.ts'
import { freshPhysicalName } from './physical-name.ts'

const tenant = defaultTenant

/** Topics begin and end here; how they move is a saga's. */
export class Topics {
  private readonly plane: Plane
  /** Names that are being given at this moment. */
  private readonly beginning = new Set<string>()

  constructor(plane: Plane) {
    this.plane = plane
  }

  get(name: string): TopicRoute {
    const route = this.plane.board.table.topic(tenant, name)
    if (route === undefined) throw unknownTopic(name)
    return route
  }

  list(): TopicRoute[] {
    return [...this.plane.board.table.topics(tenant)].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  create(creation: TopicCreation): Promise<TopicRoute> {
    const { name, partitions, replicationFactor, configs = {} } = creation
    return this.begin(name, async (making) => {
      const { clusters, timings } = this.plane
      const home = clusters.home(tenant)
      const cluster = await clusters.get(creation.cluster ?? home)
      const facts = await clusters.reach(cluster.name)
      checkCapacity(cluster, facts, { name, partitions, replicationFactor })

      const physical = this.fresh(cluster.name, name)
      const stub = cluster.name === home ? undefined : this.fresh(home, name)
      await making(stub === undefined ? [physical] : [physical, stub])
      const target = await clusters.open(cluster.name)
      const what = `topic ${name} could not be created on ${cluster.name}`
      let made: PhysicalTopicFacts | undefined
      try {
        await target.createTopic({
          topic: physical.topic,
          partitions,
          ...(replicationFactor !== undefined && { replicationFactor }),
          configs,
        })
        await target.waitForLeaders(physical.topic, partitions, timings.leadersMaxMs)
        made = await target.describe(physical.topic)
      } catch (error) {
        throw clusterRefusal(error, what)
      }
      if (made === undefined) throw new Refusal('INTERNAL', `${what}: it is gone again`)
      if (isSealed(made.configs)) {
        throw new Refusal('TOPIC_CONFIG_REFUSED', `${what}: max.message.bytes=1 would refuse every record`)
      }
      if (stub !== undefined) await this.makeStub(stub, name, partitions)
      return this.route(name, made, physical, stub)
    })
  }

  adopt({ name, cluster: clusterName }: TopicAdoption): Promise<TopicRoute> {
    return this.begin(name, async (making) => {
      const { clusters } = this.plane
      const home = clusters.home(tenant)
      await clusters.get(clusterName)
      await clusters.reach(clusterName)
      const source = await clusters.open(clusterName)
      const physical = { cluster: clusterName, topic: name }
      this.refuseInChain(physical)
      const found = await source.describe(name).catch((error: unknown) => {
        throw clusterRefusal(error, `topic ${name} could not be read on ${clusterName}`)
      })
      if (found === undefined) {
        throw new Refusal(
          'TOPIC_NOT_ON_CLUSTER',
          `${clusterName} has no topic ${name}: adopt what exists, or create it`,
        )
      }
      if (isCompacted(found.configs)) {
        throw new Refusal(
          'TOPIC_COMPACTED',
          `topic ${name} on ${clusterName} is compacted (cleanup.policy=${found.configs.get('cleanup.policy')?.value}): a compacted topic cannot be split over clusters, so it cannot be adopted yet`,
        )
      }
      if (isSealed(found.configs)) {
        throw new Refusal(
          'TOPIC_SEALED',
          `topic ${name} on ${clusterName} refuses every record (max.message.bytes=1): was it sealed? Set its real limit first`,
        )
      }
      if (clusterName === home) return this.route(name, found, physical, undefined)
      const stub = this.fresh(home, name)
      await making([stub])
      await this.makeStub(stub, name, found.partitions)
      await this.copyCommits(physical, stub)
      return this.route(name, found, physical, stub)
    })
  }

  /** Out of the routes at once; its physical topics are deleted, in the background where a cluster is away. */
  async delete(name: string): Promise<void> {
    const { store, board, leftovers, now } = this.plane
    const physicals = await store.transaction(async () => {
      const route = this.get(name)
      const migration = await store.migrations.underway(route.id)
      if (migration !== undefined)
        throw migrationInProgress(migration, await store.sagas.attempts(migration.group), now())
      const discarded = this.physicalTopics(route)
      await board.change({ removedTopics: [{ tenant, name }] }, async () => {
        for (const { cluster, topic } of discarded) await store.addLeftover(cluster, topic, now())
        await store.migrations.endSwitchedOf(route.id)
        await store.removeTopic(route.id)
      })
      return discarded
    })
    await leftovers.discard(physicals)
  }

  /** All that the route names, each once. */
  private physicalTopics(route: TopicRoute): PhysicalTopic[] {
    const physicals = new Map<string, PhysicalTopic>()
    const add = (physical: PhysicalTopic) => physicals.set(JSON.stringify(physical), physical)
    for (let i = 0; i < route.depth; i++) add({ cluster: route.cluster(i), topic: route.physicalTopic(i) })
    add({ cluster: this.plane.clusters.home(tenant), topic: route.homeTopic })
    return [...physicals.values()]
  }

  /** Runs `make` for a name that nobody else takes meanwhile; deletes what it made when it fails. */
  private async begin(
    name: string,
    make: (making: (topics: PhysicalTopic[]) => Promise<void>) => Promise<TopicRoute>,
  ): Promise<TopicRoute> {
    const { store, board, leftovers, now } = this.plane
    if (board.table.topic(tenant, name) !== undefined) {
      throw new Refusal('TOPIC_EXISTS', `topic ${name} exists: choose another name, or delete it first`)
    }
    if (this.beginning.has(name)) {
      throw new Refusal('TOPIC_EXISTS', `topic ${name} is being created at this moment`)
    }
    this.beginning.add(name)
    let made: PhysicalTopic[] = []
    try {
      const route = await make(async (topics) => {
        await leftovers.hold(topics)
        made = topics
      })
      await board.change({ topics: [route.toJSON()] }, async () => {
        await store.addTopic(route, now())
        for (const { cluster, topic } of made) await store.removeLeftover(cluster, topic)
      })
      leftovers.release(made)
      return route
    } catch (error) {
      await leftovers.discard(made)
      throw error
    } finally {
      this.beginning.delete(name)
    }
  }

  private route(
    name: string,
    facts: PhysicalTopicFacts,
    physical: PhysicalTopic,
    stub: PhysicalTopic | undefined,
  ): TopicRoute {
    return TopicRoute.create({
      tenant,
      name,
      id: randomUUID(),
      partitions: facts.partitions,
      maxMessageBytes: Number(facts.configs.get('max.message.bytes')?.value),
      homeTopic: (stub ?? physical).topic,
      ...physical,
    })
  }

  private fresh(cluster: string, name: string): PhysicalTopic {
    return { cluster, topic: freshPhysicalName(name, this.plane.random) }
  }

  private refuseInChain({ cluster, topic }: PhysicalTopic): void {
    for (const route of this.plane.board.table.topics(tenant)) {
      const isHomeTopic = route.homeTopic === topic && this.plane.clusters.home(tenant) === cluster
      const inChain = route.chain(0).some((loglet) => loglet.cluster === cluster && loglet.topic === topic)
      if (isHomeTopic || inChain) {
        throw new Refusal('TOPIC_EXISTS', `${topic} on ${cluster} is part of topic ${route.name} already`)
      }
    }
  }

  /**
   * A coordinator refuses commits for topics that its cluster lacks, so a topic that is elsewhere has an empty,
   * sealed one on home under whose name groups commit.
   */
  private async makeStub({ cluster, topic }: PhysicalTopic, name: string, partitions: number): Promise<void> {
    try {
      const home = await this.plane.clusters.open(cluster)
      await home.createTopic({ topic, partitions, configs: { 'max.message.bytes': sealedMaxMessageBytes } })
      await home.waitForLeaders(topic, partitions, this.plane.timings.leadersMaxMs)
    } catch (error) {
      throw clusterRefusal(
        error,
        `the place on ${cluster} where groups of topic ${name} commit could not be made`,
      )
    }
  }

  private async copyCommits(from: PhysicalTopic, stub: PhysicalTopic): Promise<void> {
    const { clusters, log } = this.plane
    const source = await clusters.open(from.cluster)
    const commits = await source.groupCommits(from.topic).catch((error: unknown) => {
      throw clusterRefusal(error, `the commits for ${from.topic} could not be read on ${from.cluster}`)
    })
    const home = await clusters.open(stub.cluster)
    for (const { groupId, offsets } of commits) {
      try {
        const renamed = offsets.map((offset) => ({ ...offset, topic: stub.topic }))
        await home.commit({ groupId, offsets: renamed })
      } catch (error) {
        const { message } = clusterRefusal(error, '')
        throw new Refusal(
          'GROUPS_BUSY',
          `the commits of group ${groupId} for ${from.topic} could not be copied to ${stub.cluster}${message}; stop its members there, then adopt again`,
          { cause: error },
        )
      }
    }
    log('info', 'topic.commits-copied', {
      topic: from.topic,
      from: from.cluster,
      to: stub.cluster,
      groups: commits.length,
    })
  }
}
