// Brings what can be derived to what it should be: looks, says what differs, mends it, and looks again. Each cluster has
// its own round over the topics whose active loglet is there; topics whose spec has changed are looked at at once, and
// those that lack what protects them from the loss of a cluster within a second.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { PhysicalTopicFacts } from '../clusters/kafka-cluster.ts'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import { Turns } from '../sagas/turns.ts'
import type { SlaRow } from '../store/sla-queries.ts'
import { giveStandbys } from '../topics/give-standbys.ts'
import { type ClusterLook, type DesiredTopic, desiredTopic, type Looks } from './desired.ts'
import { type Difference, differenceCodes } from './difference.ts'
import { driftOf, seen } from './drift.ts'
import { lookAt } from './looks.ts'
import { dropStandby, mend } from './mend.ts'
import { fillStandbyHomes } from './standby-home.ts'
import { canBeFilled } from './standby-home-drift.ts'

/** Topics that are looked at together. */
const batchMax = 200
/** Clusters whose round is under way at a time. */
const roundsAtOnceMax = 4
/** Topics that are mended at a time, over all rounds. */
const mendsAtOnceMax = 8
/** Topics that are due, in one go: dropped, and made. */
const looksAtDueMax = 3
/** Between two looks at what would be an alarm. */
const confirmAfterMs = 500
/** A cluster that stays away is asked ever less often, down to one in so many rounds. */
const awayRoundsMax = 10

interface Round {
  dueAt: number
  /** Rounds in a row in which it did not answer. */
  away: number
  underway: boolean
}

/** One topic as it was seen; `facts` are of its active physical topic, undefined when nothing is known of it. */
export interface Surveyed {
  readonly topic: DesiredTopic
  readonly facts: PhysicalTopicFacts | undefined
  readonly differences: readonly Difference[]
}

type Away = Extract<ClusterLook, { kind: 'away' }>

interface Looked {
  readonly topic: DesiredTopic
  readonly differences: readonly Difference[]
}

export class Reconciler {
  private readonly plane: Plane
  private readonly rounds = new Map<string, Round>()
  private readonly roundTurns = new Turns(roundsAtOnceMax)
  private readonly mendTurns = new Turns(mendsAtOnceMax)
  /** By topic id: one look at a topic at a time. */
  private readonly underway = new Map<string, Promise<void>>()
  private lookingAtDue = false
  /** ms since 1970, by topic id. */
  private readonly lookedAt = new Map<string, number>()
  private readonly working = new Set<Promise<unknown>>()
  private timer: NodeJS.Timeout | undefined
  /** Whoever calls may be in a transaction, and what goes on afterwards must not be. */
  private readonly outside: <T>(work: () => T) => T = AsyncLocalStorage.snapshot()

  constructor(plane: Plane) {
    this.plane = plane
  }

  /** Whatever was held when the last term ended is held by nobody. */
  async start(): Promise<void> {
    await this.plane.store.reconcile.removeHolds()
    const { reconcileEveryMs } = this.plane.timings
    this.timer = setInterval(
      () => this.beginDue(),
      Math.max(5, Math.min(1_000, reconcileEveryMs / 4)),
    ).unref()
  }

  /** Waits for what is under way; the plane's `closing` tells it to end. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    await Promise.allSettled([...this.working])
  }

  /**
   * Looks at the topic now, and mends it. Resolves with what differs after that, or, when that takes longer than its
   * bound, with what is known by then; it goes on all the same. Not inside a transaction. Never rejects.
   */
  async soon(topicId: string): Promise<readonly string[]> {
    const { store, timings, closing } = this.plane
    const looking = this.outside(() => this.track(this.look([topicId])))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timings.reconcileSoonMaxMs).unref()
    })
    await Promise.race([looking.catch(() => {}), late])
    clearTimeout(timer)
    if (closing.aborted) return []
    return (await store.topicSpecs.get(topicId))?.drift ?? []
  }

  /** When the topic was looked at last, in ms since 1970; undefined when not in this term. */
  lastLook(topicId: string): number | undefined {
    return this.lookedAt.get(topicId)
  }

  /** How all topics differ at this moment, looked at anew; nothing is mended, and nothing kept. */
  async survey(): Promise<readonly Surveyed[]> {
    const away = new Map<string, Away>()
    const surveyed: Surveyed[] = []
    const ids = Array.from(this.plane.board.table.allTopics(), ({ id }) => id)
    for (let at = 0; at < ids.length; at += batchMax) {
      this.plane.closing.throwIfAborted()
      const topics = await this.desired(ids.slice(at, at + batchMax))
      const timeoutMs = this.plane.timings.reconcileLookMaxMs
      const looks = await lookAt(this.plane, topics, { timeoutMs, known: away })
      for (const [cluster, look] of looks) if (look.kind === 'away') away.set(cluster, look)
      for (const topic of topics) {
        const { route } = topic
        const active = { cluster: route.cluster(route.active), topic: route.physicalTopic(route.active) }
        const facts = seen(looks, active)?.found
        surveyed.push({ topic, facts, differences: driftOf(topic, looks) })
      }
    }
    return surveyed
  }

  /** All topics at once, for tests and for who cannot wait for the rounds. */
  async all(): Promise<void> {
    await this.forgetGone()
    await this.look(Array.from(this.plane.board.table.allTopics(), ({ id }) => id))
  }

  private beginDue(): void {
    const { closing, board, now, random, timings } = this.plane
    if (closing.aborted) return
    if (!this.lookingAtDue) void this.track(this.lookAtDue()).catch(() => {})
    const { clusters } = board.table
    for (const name of this.rounds.keys()) if (!clusters.has(name)) this.rounds.delete(name)
    for (const name of clusters.keys()) {
      let round = this.rounds.get(name)
      if (round === undefined) {
        // Not all at the same moment, and none at the one in which a term begins.
        round = { dueAt: now() + timings.reconcileEveryMs * (0.5 + random() / 2), away: 0, underway: false }
        this.rounds.set(name, round)
      }
      if (round.underway || now() < round.dueAt) continue
      round.underway = true
      void this.track(this.roundOf(name, round)).catch(() => {})
    }
  }

  private async roundOf(cluster: string, round: Round): Promise<void> {
    const { board, closing, log, now, random, timings } = this.plane
    try {
      await this.roundTurns.take(closing, async () => {
        const ids: string[] = []
        for (const route of this.plane.board.table.allTopics())
          if (route.cluster(route.active) === cluster) ids.push(route.id)
        const answered = await this.look(ids, cluster)
        round.away = answered ? 0 : Math.min(round.away + 1, awayRoundsMax)
        if (cluster === board.table.clusters.keys().next().value) await this.forgetGone()
      })
    } catch (error) {
      if (!closing.aborted) log('warn', 'reconcile.round-failed', { cluster, reason: reasonOf(error) })
    } finally {
      round.dueAt = now() + timings.reconcileEveryMs * Math.max(1, round.away) * (0.75 + random() / 2)
      round.underway = false
    }
  }

  private async lookAtDue(): Promise<void> {
    const { dueTopics, dueStandbys, closing, log } = this.plane
    this.lookingAtDue = true
    try {
      await this.chooseStandbys(dueStandbys.take())
      // What was dropped in a look is made anew in the next one.
      for (let looks = 0; looks < looksAtDueMax; looks++) {
        const ids = dueTopics.take()
        if (ids.length === 0) return
        await this.look(ids).catch((error: unknown) => {
          // The round of their cluster comes.
          if (!closing.aborted)
            log('warn', 'reconcile.due-failed', { topics: ids.length, reason: reasonOf(error) })
        })
      }
    } finally {
      this.lookingAtDue = false
    }
  }

  /** Of these topics, where they have none, or one that is none any more. */
  private async chooseStandbys(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    const { plane } = this
    const wanted = new Set(ids)
    try {
      await giveStandbys(plane, (_, { id }) => wanted.has(id))
    } catch (error) {
      if (plane.closing.aborted) return
      for (const id of ids) plane.dueStandbys.add(id)
      plane.log('warn', 'standby.not-chosen', { topics: ids.length, reason: reasonOf(error) })
    }
  }

  /** Whether the cluster `of` answered. One that is away is asked once, and not for every batch again. */
  private async look(ids: readonly string[], of?: string): Promise<boolean> {
    const away = new Map<string, Away>()
    for (let at = 0; at < ids.length; at += batchMax) {
      this.plane.closing.throwIfAborted()
      const batch = ids.slice(at, at + batchMax)
      await Promise.all(batch.map((id) => this.underway.get(id)))
      // Somebody who also waited may have been quicker, and looks at what is there now.
      const theirs = batch.flatMap((id) => this.underway.get(id) ?? [])
      const mine = batch.filter((id) => !this.underway.has(id))
      const looking = this.lookAtBatch(mine, away)
      const settled = looking.then(
        () => {},
        () => {},
      )
      for (const id of mine) this.underway.set(id, settled)
      try {
        await Promise.all([looking, ...theirs])
      } finally {
        for (const id of mine) this.underway.delete(id)
      }
    }
    return of === undefined || !away.has(of)
  }

  private async lookAtBatch(ids: readonly string[], away: Map<string, Away>): Promise<void> {
    const { timings, closing } = this.plane
    const topics = await this.desired(ids)
    const timeoutMs = timings.reconcileLookMaxMs
    const looks = await lookAt(this.plane, topics, { timeoutMs, known: away })
    closing.throwIfAborted()
    for (const [cluster, look] of looks) if (look.kind === 'away') away.set(cluster, look)
    const looked = await this.confirmed(await Promise.all(topics.map((topic) => this.looked(topic, looks))))
    await Promise.all(looked.map((one) => this.record(one)))
    const toMend = looked.filter(({ differences }) => differences.some((one) => one.mend !== undefined))
    await Promise.all(toMend.map((one) => this.mendTurns.take(closing, () => this.mend(one))))
    await this.fillStandbyHomes(looked)
  }

  /** Of all at once, because every group of a home has to be asked. */
  private async fillStandbyHomes(looked: readonly Looked[]): Promise<void> {
    const { plane } = this
    const differing = looked.filter(({ differences }) =>
      differences.some(({ code }) => code === 'STANDBY_HOME_DIFFERS'),
    )
    if (differing.length === 0) return
    const ids = differing.map(({ topic }) => topic.route.id)
    const timeoutMs = plane.timings.reconcileLookMaxMs
    const topics = await this.desired(ids)
    const looks = await lookAt(plane, topics, { timeoutMs })
    const ready = topics.filter((topic) => canBeFilled(topic, looks))
    if (ready.length === 0) return
    const failures: string[] = []
    await fillStandbyHomes(plane, ready).catch((error: unknown) => {
      plane.closing.throwIfAborted()
      failures.push(reasonOf(error))
      plane.log('warn', 'commits.not-mirrored', { topics: ready.length, reason: reasonOf(error) })
    })
    const again = await this.desired(ready.map(({ route }) => route.id))
    await Promise.all(again.map(async (topic) => this.record(await this.looked(topic, looks), failures)))
  }

  private async looked(topic: DesiredTopic, looks: Looks): Promise<Looked> {
    const differences = driftOf(topic, looks)
    // Rare, and the store has to search for it.
    if (!differences.some(({ code }) => code === 'ACTIVE_SEALED')) return { topic, differences }
    const sealTakenBack = await this.plane.store.migrations.sealTakenBack(topic.route.id)
    return { topic, differences: driftOf({ ...topic, sealTakenBack }, looks) }
  }

  /** A broker may be a moment behind the metadata log: an alarm is raised only when it is there twice. */
  private async confirmed(looked: readonly Looked[]): Promise<readonly Looked[]> {
    const { plane } = this
    const isAlarming = ({ differences }: Looked) =>
      differences.some(({ code }) => differenceCodes[code].alarm)
    const alarming = looked.filter(isAlarming).map(({ topic }) => topic.route.id)
    if (alarming.length === 0) return looked
    await plane.sleep(confirmAfterMs, plane.closing)
    const topics = await this.desired(alarming)
    const looks = await lookAt(plane, topics, { timeoutMs: plane.timings.reconcileLookMaxMs })
    const again = await Promise.all(topics.map((topic) => this.looked(topic, looks)))
    return [...looked.filter((one) => !isAlarming(one)), ...again]
  }

  private async mend({ topic, differences }: Looked): Promise<void> {
    const { plane } = this
    const { route } = topic
    const failures: string[] = []
    for (const { mend: how, text } of differences) {
      if (how === undefined) continue
      plane.closing.throwIfAborted()
      try {
        await mend(plane, topic, how)
        // What takes its place is seen at the next look.
        if (how.kind === 'drop-standby' || how.kind === 'drop-standby-home') plane.dueTopics.add(route.id)
      } catch (error) {
        failures.push(reasonOf(error))
        const reason = reasonOf(error)
        plane.log('warn', 'drift.kept', { tenant: route.tenant, topic: route.name, drift: text, reason })
      }
    }
    const [again] = await this.desired([route.id])
    if (again === undefined) return
    const looks = await lookAt(plane, [again], { timeoutMs: plane.timings.reconcileLookMaxMs })
    await this.record(await this.looked(again, looks), failures)
  }

  /** Says what has appeared and what is gone, and keeps it. Nothing when the topic has changed meanwhile. */
  private async record({ topic, differences }: Looked, failures: readonly string[] = []): Promise<void> {
    const { store, board, log, now } = this.plane
    const { route, configs } = topic
    const at = now()
    await store.transaction(async () => {
      const spec = await store.topicSpecs.get(route.id)
      if (spec === undefined || board.table.topic(route.tenant, route.name) !== route) return
      const drift = [
        ...differences.map(({ text }) => text),
        ...failures.map((why) => `it was not mended: ${why}`),
      ]
      const before = await store.reconcile.get(route.id)
      const inPlace = differences.length === 0
      const applied = inPlace ? configs : before.applied
      const driftSince = drift.length === 0 ? null : (before.driftSince ?? at)
      if (driftSince !== before.driftSince || !sameConfigs(applied, before.applied))
        await store.reconcile.put(route.id, { applied, driftSince })
      const known = new Set(spec.drift)
      if (drift.length !== known.size || drift.some((text) => !known.has(text)))
        await store.topicSpecs.setDrift(route.id, drift)
      store.afterCommit(() => {
        this.lookedAt.set(route.id, at)
        const named = { tenant: route.tenant, topic: route.name }
        for (const { code, text } of differences) {
          if (known.has(text)) continue
          log(differenceCodes[code].alarm ? 'error' : 'warn', 'drift.seen', { ...named, code, drift: text })
        }
        const still = new Set(drift)
        for (const text of known) if (!still.has(text)) log('info', 'drift.gone', { ...named, drift: text })
      })
    })
  }

  /** Of those that are there. */
  private desired(ids: readonly string[]): Promise<DesiredTopic[]> {
    const { store, board } = this.plane
    return store.transaction(async () => {
      const slas = new Map<string, SlaRow | undefined>()
      const topics: DesiredTopic[] = []
      for (const id of ids) {
        const spec = await store.topicSpecs.get(id)
        if (spec === undefined) continue
        const route = board.table.topic(spec.tenant, spec.name)
        const home = board.table.tenants.get(spec.tenant)?.home
        if (route?.id !== id || home === undefined) continue
        if (spec.sla !== null && !slas.has(spec.sla)) slas.set(spec.sla, await store.slas.get(spec.sla))
        topics.push(
          desiredTopic({
            route,
            home,
            spec,
            sla: spec.sla === null ? undefined : slas.get(spec.sla),
            applied: (await store.reconcile.get(id)).applied,
            standbyMade: await store.reconcile.standby(id),
            standbyHome: board.table.tenants.get(spec.tenant)?.standbyHome ?? null,
            standbyHomeMade: await store.reconcile.standbyHome(id),
            migration: (await store.migrations.underway(id))?.id ?? null,
          }),
        )
      }
      return topics
    })
  }

  /** Deleted topics leave what waited for their failover. */
  private async forgetGone(): Promise<void> {
    const { store, log, now } = this.plane
    for (const { topicId, cluster, topic, registered } of await store.reconcile.orphanedStandbys()) {
      if (registered) await dropStandby(this.plane, topicId, { cluster, topic })
      else await store.reconcile.removeStandby(topicId)
      log('info', 'standby.dropped', { cluster, topic })
    }
    for (const { topicId, cluster, topic, registered } of await store.reconcile.orphanedStandbyHomes()) {
      await store.transaction(async () => {
        await store.reconcile.removeStandbyHome(topicId)
        if (registered) await store.addLeftover(cluster, topic, now())
      })
    }
    await store.reconcile.forgetGone()
    const there = new Set(Array.from(this.plane.board.table.allTopics(), ({ id }) => id))
    for (const id of this.lookedAt.keys()) if (!there.has(id)) this.lookedAt.delete(id)
  }

  private track<T>(work: Promise<T>): Promise<T> {
    this.working.add(work)
    const done = () => void this.working.delete(work)
    work.then(done, done)
    return work
  }
}

function sameConfigs(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
