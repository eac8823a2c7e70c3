import type { Placement, Topic, TopicLoglet, TopicSummary } from '@braid/control-api'
import type { TopicRoute } from '@braid/routing-model'
import { type Caller, roleIn } from '../access/caller.ts'
import { placeOf } from '../placement/place-topic.ts'
import { clusterAway } from '../reconcile/drift.ts'
import { Refusal, unknownTenant } from '../refusal.ts'
import type { TopicSpecRow, TopicWishes } from '../store/topic-queries.ts'
import { checkQuota, isOverQuota } from '../tenants/quota.ts'
import { classConfigs } from '../topics/class-configs.ts'
import { isClusterSeen } from './clusters.ts'
import { keyIn, pageOf } from './cursor.ts'
import type { Call, Handlers } from './serve.ts'
import type { Served } from './server.ts'
import { unknownSla } from './slas.ts'

export function topicEndpoints({
  plane,
  topics,
  reconciler,
}: Pick<Served, 'plane' | 'topics' | 'reconciler'>) {
  const { store, board } = plane
  const summary = (
    route: TopicRoute,
    spec: TopicSpecRow,
    { migration, driftSince }: { migration: string | undefined; driftSince: number | null },
  ): TopicSummary => ({
    tenant: route.tenant,
    name: route.name,
    id: route.id,
    partitions: route.partitions,
    maxMessageBytes: route.maxMessageBytes,
    sla: spec.sla,
    pinnedTo: spec.pinnedTo,
    cluster: route.cluster(route.active),
    physicalTopic: route.physicalTopic(route.active),
    failover: route.failover,
    // Where it is itself, for a moment after a move, it does not stand by.
    standby: spec.standby === route.cluster(route.active) ? null : spec.standby,
    homeTopic: route.homeTopic,
    loglets: route.depth,
    expected: { ...spec.expected },
    owner: spec.owner,
    contact: spec.contact,
    migration: migration ?? null,
    drift: [...spec.drift],
    driftSince: sinceOf(driftSince),
    createdAt: new Date(spec.createdAt).toISOString(),
  })
  const shown = async (route: TopicRoute, logEnds: string[] | null): Promise<Topic> => {
    const spec = await specOf(route)
    const migration = (await store.migrations.underway(route.id))?.id
    const { driftSince } = await store.reconcile.get(route.id)
    return {
      ...summary(route, spec, { migration, driftSince }),
      configs: { ...spec.configs },
      replicationFactor: spec.replicationFactor,
      placement: spec.placementReasons && { reasons: [...spec.placementReasons] },
      chain: Array.from({ length: route.depth }, (_, i) => loglet(route, i)),
      logEnds,
    }
  }
  /** It may have been deleted since its route was looked up. */
  const specOf = async (route: TopicRoute): Promise<TopicSpecRow> => {
    const spec = await store.topicSpecs.get(route.id)
    if (spec !== undefined) return spec
    topics.get(route.tenant, route.name)
    throw new Refusal('UNKNOWN_TOPIC', `topic ${route.name} is being replaced at this moment`)
  }
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
  const change = (route: TopicRoute, before?: TopicWishes, after?: TopicWishes) => ({
    tenant: route.tenant,
    what: `topic ${route.name}`,
    before,
    after,
  })
  /** Without the clusters of tenants that the caller does not see. */
  const seenClusters = async ({ considered }: Placement, caller: Caller) => {
    const seen = (await store.clusters()).filter((row) => isClusterSeen(row, caller)).map(({ name }) => name)
    return considered.filter(({ cluster }) => seen.includes(cluster))
  }
  const classOf = async (name: string | null) => {
    if (name === null) return undefined
    const sla = await store.slas.get(name)
    if (sla === undefined) throw unknownSla(name)
    return sla
  }
  /** Quotas bind whoever acts for the tenant, not those who run the fleet. */
  const bound = ({ caller, params: { tenant } }: { caller: Call['caller']; params: { tenant: string } }) => {
    const role = roleIn(caller, tenant)
    return role !== 'admin' && role !== 'operator'
  }

  /** The latest record of a key may be in a sealed loglet, and would go with it. */
  const refuseLateCompaction = async (route: TopicRoute, before: TopicWishes, after: TopicWishes) => {
    if (!asksForCompaction(after) || asksForCompaction(before)) return
    const moving = await store.migrations.underway(route.id)
    if (route.depth === 1 && moving === undefined) return
    throw new Refusal(
      'TOPIC_CONFIG_REFUSED',
      `topic ${route.name} cannot become compacted while ${moving === undefined ? `its chain has ${route.depth} loglets: wait until retention has emptied the sealed ones` : `migration ${moving.id} moves it`}`,
    )
  }

  return {
    'topics.list': async ({ params: { tenant }, query: { limit, after } }) => {
      if (!board.table.tenants.has(tenant)) throw unknownTenant(tenant)
      const found = await store.topicSpecs.list(tenant, limit + 1, keyIn('topics', after))
      const { rows, next } = pageOf('topics', found, limit, ({ name }) => name)
      const moving = await store.migrations.underwayByTopic()
      const drifting = await store.reconcile.driftSince()
      const summaries = rows.map((spec) => {
        const route = board.table.topic(tenant, spec.name)
        // It may have come or gone between the store and the routes.
        if (route === undefined) return []
        const driftSince = drifting.get(route.id) ?? null
        return [summary(route, spec, { migration: moving.get(route.id), driftSince })]
      })
      return { topics: summaries.flat(), next }
    },
    'topics.get': async ({ params: { tenant, topic }, query: { logEnds } }) => {
      const route = topics.get(tenant, topic)
      return shown(route, logEnds ? await logicalEnds(route) : null)
    },
    'topics.create': async (call) => {
      const { params, body, dryRun, record } = call
      const { tenant } = params
      plane.clusters.home(tenant)
      topics.refuseTaken(tenant, body.name)
      const sla = await classOf(body.sla)
      const made = classConfigs(body, sla)
      if (bound(call)) await checkQuota(store, tenant, body)
      const placed = await placeOf(plane, tenant, body)
      const placement = { ...placed, considered: await seenClusters(placed, call.caller) }
      if (dryRun) return { topic: null, placement }
      const route = await topics.create(
        tenant,
        body,
        placement,
        async (fresh) => {
          // Others may have been created while the clusters made this one, which counts by now.
          if (bound(call) && (await isOverQuota(store, tenant, body))) {
            throw new Refusal(
              'QUOTA_EXCEEDED',
              `others have used up the quota of tenant ${tenant} while topic ${body.name} was made: ask for it with a request, or for a larger quota`,
            )
          }
          await record(
            { tenant, what: `topic ${body.name}`, after: body },
            { topic: await shown(fresh, null), placement },
          )
        },
        made,
      )
      return { topic: await shown(route, null), placement }
    },
    'topics.update': async (call) => {
      const { params, body, record } = call
      const updated = await store.transaction(async () => {
        const route = topics.get(params.tenant, params.topic)
        const before = await specOf(route)
        const { cluster, ...rest } = body
        const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
        const after = {
          ...before,
          ...given,
          ...(cluster !== undefined && { pinnedTo: cluster }),
        } as TopicSpecRow
        if (cluster !== undefined && cluster !== null) await plane.clusters.get(cluster)
        if (after.partitions < route.partitions) {
          throw new Refusal(
            'TOPIC_CONFIG_REFUSED',
            `topic ${route.name} has ${route.partitions} partitions, and cannot have fewer: keys would change places`,
          )
        }
        const lost = clusterAway(route)
        if (after.partitions > route.partitions && lost !== undefined) {
          throw new Refusal(
            'TOPIC_CHANGING',
            `topic ${route.name} cannot have more partitions while what it has on ${lost}, which was given up, is lost: wait until it has returned, or abandon it`,
          )
        }
        classConfigs(after, await classOf(after.sla))
        await refuseLateCompaction(route, before, after)
        if (bound(call)) await checkQuota(store, params.tenant, after, before)
        await store.topicSpecs.setWishes(route.id, after)
        if (after.sla !== before.sla) store.afterCommit(() => plane.dueStandbys.add(route.id))
        const answer = await shown(route, null)
        await record(change(route, wishes(before), wishes(after)), answer)
        return answer
      })
      // What can be in place at once is; the rest is drift.
      await reconciler.soon(updated.id)
      const now = board.table.topic(params.tenant, params.topic)
      return now?.id === updated.id ? shown(now, null) : updated
    },
    'topics.adopt': async ({ params: { tenant }, body, record }) => {
      plane.clusters.home(tenant)
      await classOf(body.sla)
      const route = await topics.adopt(tenant, body, async (fresh) =>
        record({ tenant, what: `topic ${body.name}`, after: body }, await shown(fresh, null)),
      )
      return shown(route, null)
    },
    'topics.delete': async ({ params: { tenant, topic }, record }) => {
      await topics.delete(tenant, topic, async (route) =>
        record(change(route, wishes(await specOf(route))), undefined),
      )
    },
  } satisfies Handlers
}

function asksForCompaction({ configs }: TopicWishes): boolean {
  return configs['cleanup.policy']?.includes('compact') ?? false
}

function wishes(spec: TopicSpecRow): TopicWishes {
  const { partitions, sla, pinnedTo, replicationFactor, configs, expected, owner, contact } = spec
  return { partitions, sla, pinnedTo, replicationFactor, configs, expected, owner, contact }
}

function loglet(route: TopicRoute, index: number): TopicLoglet {
  return {
    cluster: route.cluster(index),
    topic: route.physicalTopic(index),
    state: index === route.active ? 'active' : (route.away(index)?.state ?? 'sealed'),
    partitions: Array.from({ length: route.partitions }, (_, partition) => {
      const { start, end, base } = route.loglet(index, partition)
      return { start: String(start), end: end === undefined ? null : String(end), base: String(base) }
    }),
  }
}

function sinceOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
