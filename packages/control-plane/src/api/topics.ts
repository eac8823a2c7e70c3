import {
  type Topic,
  type TopicLoglet,
  type TopicSummary,
  topicAdoption,
  topicCreation,
  topicName,
} from '@braid/control-api'
import type { TopicRoute } from '@braid/routing-model'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { parse } from './requests.ts'
import type { Served } from './server.ts'

const topicQuery = z.strictObject({ logEnds: z.stringbool().default(false) })

export function topicRoutes(app: FastifyInstance, { plane, topics }: Served): void {
  const summary = async (route: TopicRoute): Promise<TopicSummary> => ({
    tenant: route.tenant,
    name: route.name,
    id: route.id,
    partitions: route.partitions,
    maxMessageBytes: route.maxMessageBytes,
    cluster: route.cluster(route.active),
    physicalTopic: route.physicalTopic(route.active),
    homeTopic: route.homeTopic,
    loglets: route.depth,
    migration: (await plane.store.migrations.underway(route.id))?.id ?? null,
    createdAt: new Date(await plane.store.topicCreatedAt(route.id)).toISOString(),
  })
  const shown = async (route: TopicRoute, logEnds: string[] | null): Promise<Topic> => ({
    ...(await summary(route)),
    chain: Array.from({ length: route.depth }, (_, i) => loglet(route, i)),
    logEnds,
  })
  /** Null when the cluster does not answer: where a topic is can be seen all the same. */
  const logicalEnds = async (route: TopicRoute): Promise<string[] | null> => {
    const { active, partitions } = route
    try {
      const cluster = await plane.clusters.open(route.cluster(active))
      const ends = await cluster.logEnds(route.physicalTopic(active), partitions, 'highWatermark')
      return ends.map((end, p) => String(end - route.start(active, p) + route.base(active, p)))
    } catch {
      return null
    }
  }

  app.get('/v1/topics', async () => ({ topics: await Promise.all(topics.list().map(summary)) }))
  app.post('/v1/topics', async (request, reply) => {
    const route = await topics.create(parse(topicCreation, request.body, 'creating a topic'))
    return reply.status(201).send(await shown(route, null))
  })
  app.post('/v1/topics/adopt', async (request, reply) => {
    const route = await topics.adopt(parse(topicAdoption, request.body, 'adopting a topic'))
    return reply.status(201).send(await shown(route, null))
  })
  app.get<{ Params: { name: string } }>('/v1/topics/:name', async ({ params, query }) => {
    const route = topics.get(parse(topicName, params.name, 'topic'))
    const { logEnds } = parse(topicQuery, query, 'showing a topic')
    return shown(route, logEnds ? await logicalEnds(route) : null)
  })
  app.delete<{ Params: { name: string } }>('/v1/topics/:name', async ({ params }, reply) => {
    await topics.delete(parse(topicName, params.name, 'topic'))
    return reply.status(204).send()
  })
}

function loglet(route: TopicRoute, index: number): TopicLoglet {
  return {
    cluster: route.cluster(index),
    topic: route.physicalTopic(index),
    state: index === route.active ? 'active' : 'sealed',
    partitions: Array.from({ length: route.partitions }, (_, partition) => {
      const { start, end, base } = route.loglet(index, partition)
      return { start: String(start), end: end === undefined ? null : String(end), base: String(base) }
    }),
  }
}
