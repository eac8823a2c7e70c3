// Self-service: a team wishes for a topic. Within quota and policy it has it at once, else somebody decides.
//
//     waiting ──approve──> granted ──its topic is made──> fulfilled
//        │  ^                 │  └──────────────────────> failed ──approve──> granted
//        │  └─────────────────┘ granted by quota, which others have used up before the topic was made
//        ├──deny──> denied
//        └──withdraw──> withdrawn
//
// That a request is granted is in the store before its topic is made, and that it is fulfilled is written with the
// topic: a process that dies in between leaves work, and no doubt, to the next.
import { defaultTenant, type RequestState, type TopicRequest, topicSpec } from '@braid/control-api'
import { type Caller, roleIn, sees, visibleTenants } from '../access/caller.ts'
import { reasonOf } from '../log.ts'
import { placeOf } from '../placement/place-topic.ts'
import type { Plane } from '../plane.ts'
import { randomName } from '../random-name.ts'
import { Refusal, unknownTenant } from '../refusal.ts'
import type { RequestRow } from '../store/request-queries.ts'
import type { TenantRow } from '../store/tenant-queries.ts'
import { beyondQuota, isOverQuota } from '../tenants/quota.ts'
import { classConfigs } from '../topics/class-configs.ts'
import type { Creation, Topics } from '../topics/topics.ts'
import { beyondPolicy } from './limits.ts'

/** Called in the transaction that makes the change, with what will be answered. */
export type Recorder = (answer: TopicRequest, before: TopicRequest | undefined) => Promise<void>

export interface NewRequest {
  readonly tenant: string
  readonly topic: RequestRow['topic']
  readonly why: string
}

const next: Readonly<Record<RequestState, readonly RequestState[]>> = {
  waiting: ['granted', 'denied', 'withdrawn'],
  granted: ['fulfilled', 'failed', 'waiting'],
  failed: ['granted', 'denied', 'withdrawn'],
  fulfilled: [],
  denied: [],
  withdrawn: [],
}

/** Beyond its quota after all: it waits for somebody to decide. */
class BeyondQuota extends Error {
  override readonly name = 'BeyondQuota'
}

export class TopicRequests {
  private readonly plane: Plane
  private readonly topics: Topics
  private readonly fulfilling = new Map<string, Promise<void>>()

  constructor(plane: Plane, topics: Topics) {
    this.plane = plane
    this.topics = topics
  }

  /** Goes on with those that were granted and whose topics are not there yet. */
  async resume(): Promise<void> {
    for (const { id } of await this.plane.store.requests.inState('granted')) void this.fulfil(id)
  }

  /** Waits for what is being made to have ended, or to have noticed that the process stops. */
  async close(): Promise<void> {
    await Promise.all(this.fulfilling.values())
  }

  async create(wish: NewRequest, by: string, record: Recorder): Promise<TopicRequest> {
    const { store, now, random } = this.plane
    const creation = creationOf(wish.topic)
    const tenant = await this.tenant(wish.tenant)
    this.topics.refuseTaken(wish.tenant, creation.name)
    classConfigs(creation, await this.classOf(creation.sla))
    // Shown also where it waits: who decides should see it.
    const placement = await placeOf(this.plane, wish.tenant, creation).catch((error: unknown) => {
      if (error instanceof Refusal && error.code !== 'UNKNOWN_SLA') return null
      throw error
    })
    const id = randomName(12, random)
    const request = await store.transaction(async () => {
      const waitsFor = [
        ...(await this.beyondQuota(wish.tenant, creation)),
        ...beyondPolicy(tenant.policy, creation),
      ]
      const state = waitsFor.length === 0 ? 'granted' : 'waiting'
      await store.requests.add({ ...wish, id, state, waitsFor, by, createdAt: now(), placement })
      const answer = await this.get(id)
      await record(answer, undefined)
      return answer
    })
    if (request.state === 'granted') await this.fulfil(id)
    return this.get(id)
  }

  async get(id: string): Promise<TopicRequest> {
    return this.shown(await this.row(id))
  }

  /** One of another tenant is not there. */
  async seenBy(caller: Caller, id: string): Promise<TopicRequest> {
    return this.shown(await this.rowSeenBy(caller, id))
  }

  /** Those that the caller sees, the latest first. */
  async list(
    caller: Caller,
    {
      tenant,
      limit,
      before,
    }: { readonly tenant?: string | undefined; readonly limit: number; readonly before?: number | undefined },
  ): Promise<RequestRow[]> {
    if (tenant !== undefined && !sees(caller, tenant)) throw unknownTenant(tenant)
    const tenants = tenant === undefined ? visibleTenants(caller) : [tenant]
    return this.plane.store.requests.list({ tenants, before, limit })
  }

  /** Grants it, beyond any quota; resolves once its topic is made, or could not be. */
  async approve(caller: Caller, id: string, reason: string | null, record: Recorder): Promise<TopicRequest> {
    await this.decide(caller, id, 'granted', reason, record)
    await this.fulfil(id)
    return this.get(id)
  }

  deny(caller: Caller, id: string, reason: string | null, record: Recorder): Promise<TopicRequest> {
    return this.decide(caller, id, 'denied', reason, record)
  }

  withdraw(caller: Caller, id: string, record: Recorder): Promise<TopicRequest> {
    return this.decide(caller, id, 'withdrawn', null, record)
  }

  async shown(row: RequestRow): Promise<TopicRequest> {
    const { id, tenant, topic, why, state, waitsFor, by, createdAt, decision, placement, error, revision } =
      row
    const approvers = (await this.plane.store.tenantSpecs.get(tenant))?.approvers ?? []
    return {
      id,
      tenant,
      topic,
      why,
      state,
      waitsFor: state === 'waiting' ? [...waitsFor] : [],
      approvers: [...approvers, 'operators', 'admins'],
      by,
      createdAt: new Date(createdAt).toISOString(),
      decision: decision && { ...decision, at: new Date(decision.at).toISOString() },
      placement,
      error,
      revision,
    }
  }

  private decide(
    caller: Caller,
    id: string,
    state: 'granted' | 'denied' | 'withdrawn',
    reason: string | null,
    record: Recorder,
  ): Promise<TopicRequest> {
    const { store, now } = this.plane
    return store.transaction(async () => {
      const row = await this.rowSeenBy(caller, id)
      if (state === 'withdrawn') refuseOthers(caller, row)
      else refuseUndecided(caller, row, await this.tenant(row.tenant))
      refuseStep(row, state)
      const before = await this.shown(row)
      await store.requests.decide(id, state, { by: caller.principal, at: now(), reason })
      const answer = await this.get(id)
      await record(answer, before)
      return answer
    })
  }

  /** Never rejects: what goes wrong is in the request. One at a time for each. */
  private fulfil(id: string): Promise<void> {
    const known = this.fulfilling.get(id)
    if (known !== undefined) return known
    const { log } = this.plane
    const work = this.make(id)
      .catch((error: unknown) => log('error', 'request.stopped', { request: id, reason: reasonOf(error) }))
      .finally(() => this.fulfilling.delete(id))
    this.fulfilling.set(id, work)
    return work
  }

  private async make(id: string): Promise<void> {
    const { plane, topics } = this
    const { store, log } = plane
    const { tenant, topic, decision, state } = await this.row(id)
    if (state !== 'granted') return
    try {
      const creation = creationOf(topic)
      const made = classConfigs(creation, await this.classOf(creation.sla))
      const placement = await placeOf(plane, tenant, creation)
      await topics.create(
        tenant,
        creation,
        placement,
        async () => {
          // Nobody has decided about it: others may have used the quota up since.
          if (decision === null && (await isOverQuota(store, tenant, creation))) throw new BeyondQuota()
          await store.requests.fulfil(id, placement)
        },
        made,
      )
      log('info', 'request.fulfilled', { request: id, tenant, topic: topic.name, cluster: placement.cluster })
    } catch (error) {
      // The next process goes on with it.
      if (plane.closing.aborted) return
      if (error instanceof BeyondQuota) {
        await store.requests.waitAgain(id, await beyondQuota(store, tenant, creationOf(topic)))
        return
      }
      const code = error instanceof Refusal ? error.code : 'INTERNAL'
      log('warn', 'request.failed', { request: id, tenant, topic: topic.name, reason: reasonOf(error) })
      await store.requests.fail(id, { code, detail: reasonOf(error) })
    }
  }

  /** With those that were granted and whose topics are being made. */
  private async beyondQuota(tenant: string, creation: Creation): Promise<string[]> {
    const { store } = this.plane
    const granted = await store.requests.granted(tenant)
    const all = [...granted.map((row) => creationOf(row.topic)), creation]
    return beyondQuota(store, tenant, {
      topics: all.length,
      partitions: all.reduce((sum, { partitions }) => sum + partitions, 0),
      expected: { bytesInPerSecond: all.reduce((sum, { expected }) => sum + expected.bytesInPerSecond, 0) },
    })
  }

  private async row(id: string): Promise<RequestRow> {
    const row = await this.plane.store.requests.get(id)
    if (row === undefined) throw unknownRequest(id)
    return row
  }

  private async rowSeenBy(caller: Caller, id: string): Promise<RequestRow> {
    const row = await this.row(id)
    if (!sees(caller, row.tenant)) throw unknownRequest(id)
    return row
  }

  private async tenant(name: string): Promise<TenantRow> {
    const row = await this.plane.store.tenantSpecs.get(name)
    if (row !== undefined) return row
    // Says that the first cluster is missing, where that is why.
    if (name === defaultTenant) this.plane.clusters.home(name)
    throw unknownTenant(name)
  }

  private async classOf(name: string | null) {
    if (name === null) return undefined
    const sla = await this.plane.store.slas.get(name)
    if (sla !== undefined) return sla
    throw new Refusal('UNKNOWN_SLA', `there is no SLA class ${name}; list those that are there`)
  }
}

/** Nobody names a cluster in a request: placement does. */
const creationOf = (topic: RequestRow['topic']): Creation => topicSpec.parse({ ...topic, cluster: null })

function unknownRequest(id: string): Refusal {
  return new Refusal(
    'UNKNOWN_REQUEST',
    `there is no request ${id} that you can see; list those that are there`,
  )
}

function refuseStep({ id, state, topic }: RequestRow, to: RequestState): void {
  if (next[state].includes(to)) return
  throw new Refusal(
    'REQUEST_DECIDED',
    `request ${id} for topic ${topic.name} is ${state}: it cannot be ${to} any more`,
  )
}

const runsTheFleet = (caller: Caller, tenant: string): boolean => {
  const role = roleIn(caller, tenant)
  return role === 'admin' || role === 'operator'
}

function refuseUndecided(caller: Caller, { id, tenant, by }: RequestRow, { approvers }: TenantRow): void {
  if (runsTheFleet(caller, tenant)) return
  const who = [...approvers, 'operators', 'admins'].join(', ')
  if (!approvers.includes(caller.principal)) {
    throw new Refusal(
      'FORBIDDEN',
      `${caller.principal} does not decide on requests of tenant ${tenant}: ${who} do`,
    )
  }
  if (caller.principal === by) {
    throw new Refusal('FORBIDDEN', `request ${id} is your own: another one decides on it (${who})`)
  }
}

function refuseOthers(caller: Caller, { id, tenant, by }: RequestRow): void {
  if (caller.principal === by || runsTheFleet(caller, tenant)) return
  throw new Refusal('FORBIDDEN', `request ${id} is of ${by}: only they, operators and admins take it back`)
}
