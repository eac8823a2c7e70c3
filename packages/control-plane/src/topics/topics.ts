import { randomUUID } from 'node:crypto'
import type { topicAdoption, topicSpec } from '@braid/control-api'
import { type PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { z } from 'zod'
import { clusterRefusal } from '../clusters/clusters.ts'
import type { PhysicalTopicFacts } from '../clusters/kafka-cluster.ts'
import type { Plane } from '../plane.ts'
import { Refusal, unknownTenant, unknownTopic } from '../refusal.ts'
import { migrationInProgress } from '../sagas/migration-messages.ts'
import type { TopicWishes } from '../store/topic-queries.ts'
import { checkCapacity } from './capacity.ts'
import { isCompacted, isSealed } from './copied-configs.ts'
import { makeStub, makeTopic } from './make-topic.ts'
import { freshPhysicalName } from './physical-name.ts'
import { protectSoon } from './set-standby.ts'

export type Creation = z.output<typeof topicSpec>
export type Adoption = z.output<typeof topicAdoption>

/** Where a topic goes; see the planner for why. */
export interface Place {
  readonly cluster: string
  readonly standby: string | null
  readonly reasons: readonly string[] | null
}

/** Called in the transaction that makes the change. */
export type Recorder = (route: TopicRoute) => Promise<void>
const unrecorded: Recorder = async () => {}

/** What a new topic is, beside its route. */
interface Described {
  readonly wishes: TopicWishes
  readonly place: Place
}

/** Topics begin and end here; how they move is a saga's. */
export class Topics {
  private readonly plane: Plane
  /** Names that are being given at this moment. */
  private readonly beginning = new Set<string>()

  constructor(plane: Plane) {
    this.plane = plane
  }

  get(tenant: string, name: string): TopicRoute {
    const { table } = this.plane.board
    if (!table.tenants.has(tenant)) throw unknownTenant(tenant)
    const route = table.topic(tenant, name)
    if (route === undefined) throw unknownTopic(name, tenant)
    return route
  }

  /** Throws when the name is taken, or about to be. */
  refuseTaken(tenant: string, name: string): void {
    if (this.plane.board.table.topic(tenant, name) !== undefined) {
      throw new Refusal('TOPIC_EXISTS', `topic ${name} exists: choose another name, or delete it first`)
    }
    if (this.beginning.has(keyOf(tenant, name))) {
      throw new Refusal('TOPIC_EXISTS', `topic ${name} is being created at this moment`)
    }
  }

  /** `replicationFactor` and `configs` are what its physical topic gets: those of its class are in them. */
  create(
    tenant: string,
    creation: Creation,
    place: Place,
    record: Recorder = unrecorded,
    made: { replicationFactor: number | null; configs: Readonly<Record<string, string>> } = creation,
  ): Promise<TopicRoute> {
    const { name, partitions } = creation
    const described = { wishes: wishesOf(creation), place }
    return this.begin(tenant, name, described, record, async (making) => {
      const { clusters, timings } = this.plane
      const home = clusters.home(tenant)
      const cluster = await clusters.get(place.cluster)
      const facts = await clusters.reach(cluster.name)
      const replicationFactor = made.replicationFactor ?? undefined
      checkCapacity(cluster, facts, { name, partitions, replicationFactor })

      const physical = this.fresh(cluster.name, name)
      const stub = cluster.name === home ? undefined : this.fresh(home, name)
      await making(stub === undefined ? [physical] : [physical, stub])
      const found = await makeTopic(
        await clusters.open(cluster.name),
        {
          name,
          physical: physical.topic,
          partitions,
          replicationFactor: made.replicationFactor,
          configs: made.configs,
        },
        timings.leadersMaxMs,
      )
      if (stub !== undefined) await this.makeStub(stub, name, partitions)
      return { facts: found, route: this.route(tenant, name, found, physical, stub) }
    })
  }

  adopt(tenant: string, adoption: Adoption, record: Recorder = unrecorded): Promise<TopicRoute> {
    const { name, cluster: clusterName } = adoption
    const described: Described = {
      // As many partitions as it turns out to have.
      wishes: wishesOf({ ...adoption, partitions: 0, cluster: null, replicationFactor: null, configs: {} }),
      place: {
        cluster: clusterName,
        standby: null,
        reasons: [`it was on ${clusterName} when Braid adopted it`],
      },
    }
    const recordUnused: Recorder = async (route) => {
      // It took a while to get here.
      await this.refuseInUse({ cluster: clusterName, topic: name })
      await record(route)
    }
    return this.begin(tenant, name, described, recordUnused, async (making) => {
      const { clusters } = this.plane
      const home = clusters.home(tenant)
      await clusters.get(clusterName)
      await clusters.reach(clusterName)
      const source = await clusters.open(clusterName)
      const physical = { cluster: clusterName, topic: name }
      await this.refuseInUse(physical)
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
      if (clusterName === home) {
        return { facts: found, route: this.route(tenant, name, found, physical, undefined) }
      }
      const stub = this.fresh(home, name)
      await making([stub])
      await this.makeStub(stub, name, found.partitions)
      await this.copyCommits(physical, stub)
      return { facts: found, route: this.route(tenant, name, found, physical, stub) }
    })
  }

  /** Out of the routes at once; its physical topics are deleted, in the background where a cluster is away. */
  async delete(tenant: string, name: string, record: Recorder = unrecorded): Promise<void> {
    const { store, board, leftovers, now } = this.plane
    const physicals = await store.transaction(async () => {
      const route = this.get(tenant, name)
      const migration = await store.migrations.underway(route.id)
      if (migration !== undefined)
        throw migrationInProgress(migration, await store.sagas.attempts(migration.group), now())
      const discarded = this.physicalTopics(route)
      await board.change({ removedTopics: [{ tenant, name }] }, async () => {
        for (const { cluster, topic } of discarded) await store.addLeftover(cluster, topic, now())
        await store.migrations.endSwitchedOf(route.id)
        await record(route)
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
    add({ cluster: this.plane.clusters.home(route.tenant), topic: route.homeTopic })
    return [...physicals.values()]
  }

  /** Runs `make` for a name that nobody else takes meanwhile; deletes what it made when it fails. */
  private async begin(
    tenant: string,
    name: string,
    { wishes, place }: Described,
    record: Recorder,
    make: (
      making: (topics: PhysicalTopic[]) => Promise<void>,
    ) => Promise<{ route: TopicRoute; facts: PhysicalTopicFacts }>,
  ): Promise<TopicRoute> {
    const { store, board, leftovers, now } = this.plane
    this.refuseTaken(tenant, name)
    this.beginning.add(keyOf(tenant, name))
    let made: PhysicalTopic[] = []
    try {
      const { route: bare, facts } = await make(async (topics) => {
        await leftovers.hold(topics)
        made = topics
      })
      const sla = wishes.sla === null ? undefined : await store.slas.get(wishes.sla)
      const route = bare.withFailover(sla?.availability.failover ?? 'none')
      await board.change({ topics: [route.toJSON()] }, async () => {
        await store.addTopic(route, now())
        await store.topicSpecs.setWishes(route.id, { ...wishes, partitions: route.partitions })
        await store.topicSpecs.setPlaced(route.id, {
          replicas: facts.replicationFactor,
          standby: place.standby,
          placementReasons: place.reasons,
        })
        for (const { cluster, topic } of made) await store.removeLeftover(cluster, topic)
        await record(route)
      })
      leftovers.release(made)
      protectSoon(this.plane, route, place.standby)
      return route
    } catch (error) {
      await leftovers.discard(made)
      throw error
    } finally {
      this.beginning.delete(keyOf(tenant, name))
    }
  }

  private route(
    tenant: string,
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

  /** What is listed as left over is deleted whoever names it by then, and what a topic moves to is that topic's. */
  private async refuseInUse(physical: PhysicalTopic): Promise<void> {
    const { cluster, topic } = physical
    const { store } = this.plane
    this.refuseInChain(physical)
    if ((await store.leftover(cluster, topic)) !== undefined) {
      throw new Refusal(
        'TOPIC_CHANGING',
        `${topic} on ${cluster} is being deleted, because the topic that it was part of was deleted: wait until it is gone`,
      )
    }
    if ((await store.reconcile.topicOfStandbyHome(physical)) !== undefined) {
      throw new Refusal(
        'TOPIC_EXISTS',
        `${topic} on ${cluster} is kept there for the commits of another topic`,
      )
    }
    if ((await store.reconcile.topicOfStandby(physical)) !== undefined) {
      throw new Refusal(
        'TOPIC_EXISTS',
        `${topic} on ${cluster} is kept there for a failover of another topic`,
      )
    }
    const moving = (await store.migrations.underwayOn(cluster)).find(
      ({ to }) => to.cluster === cluster && to.topic === topic,
    )
    if (moving !== undefined) {
      throw new Refusal(
        'TOPIC_EXISTS',
        `${topic} on ${cluster} is where topic ${moving.topic} of tenant ${moving.tenant} is being moved to`,
      )
    }
  }

  private refuseInChain({ cluster, topic }: PhysicalTopic): void {
    const { table } = this.plane.board
    for (const { name: tenant, home } of table.tenants.values()) {
      for (const route of table.topics(tenant)) {
        const isHomeTopic = route.homeTopic === topic && home === cluster
        let inChain = false
        for (let i = 0; i < route.depth; i++) {
          inChain ||= route.cluster(i) === cluster && route.physicalTopic(i) === topic
        }
        if (isHomeTopic || inChain) {
          throw new Refusal(
            'TOPIC_EXISTS',
            `${topic} on ${cluster} is part of topic ${route.name} of tenant ${tenant} already`,
          )
        }
      }
    }
  }

  /** A coordinator refuses commits for topics that its cluster lacks. */
  private async makeStub({ cluster, topic }: PhysicalTopic, name: string, partitions: number): Promise<void> {
    const home = await this.plane.clusters.open(cluster)
    await makeStub(home, { name, physical: topic, partitions }, this.plane.timings.leadersMaxMs)
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

const keyOf = (tenant: string, name: string) => `${tenant}/${name}`

function wishesOf(creation: Creation): TopicWishes {
  const { partitions, sla, cluster, replicationFactor, configs, expected, owner, contact } = creation
  return { partitions, sla, pinnedTo: cluster, replicationFactor, configs, expected, owner, contact }
}
