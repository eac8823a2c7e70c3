import type { ClusterConnections } from '@braid/kafka-connection'
import type { RouteTable } from '@braid/routing-model'
import type { ClusterSightings } from './cluster-pulses.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import { runErrand } from './mirror-errand.ts'
import { type Errand, MirrorQueue } from './mirror-queue.ts'
import type { WriteLease } from './write-lease.ts'

/** What the mirror needs of the engine. */
export interface MirroringEngine {
  readonly tenant: string
  readonly routes: RouteTable
  readonly limits: Limits
  readonly log: Log
  readonly now: () => number
  cluster(name: string): ClusterConnections | undefined
}

/** A commit as home has taken it, under the client's name of the topic. */
export interface HomeCommit {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly metadata: string | null
}

/**
 * `superseded`: the group lives on the standby home already. `refused`: that cluster does not take it. `expired`: it
 * could not be told in time. `overflowed`: too many waited. `moved`: home has moved meanwhile.
 */
export type MirrorOutcome = 'mirrored' | 'superseded' | 'refused' | 'expired' | 'overflowed' | 'moved'

const RETRY_FIRST_MS = 250
const RETRY_MAX_MS = 5_000
const LOG_EVERY_MS = 60_000
const CLOSE_MAX_MS = 1_000

/**
 * Writes every commit that home takes to the standby home too, behind it, so that groups go on from there when home is
 * lost. Of commits that come quickly only the latest is written.
 *
 * Nothing is written while the write lease does not hold: a process that was cut off would bring commits from before a
 * failover to where the groups have gone on since.
 */
export class CommitMirror {
  readonly counts: Record<MirrorOutcome, number> = {
    mirrored: 0,
    superseded: 0,
    refused: 0,
    expired: 0,
    overflowed: 0,
    moved: 0,
  }

  readonly #engine: MirroringEngine
  readonly #lease: WriteLease | undefined
  readonly #sightings: ClusterSightings
  readonly #queue: MirrorQueue
  #homes: Homes | undefined
  /** Groups whose turn it is. */
  #ready: string[] = []
  #sending = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #onIdle: (() => void) | undefined
  #loggedMs = Number.NEGATIVE_INFINITY
  readonly #unlogged = new Map<MirrorOutcome, number>()

  constructor(engine: MirroringEngine, lease: WriteLease | undefined, sightings: ClusterSightings) {
    this.#engine = engine
    this.#lease = lease
    this.#sightings = sightings
    this.#queue = new MirrorQueue(engine.limits.mirrorMaxCommits)
    this.#homes = homesOf(engine)
  }

  /** Whether what this cluster takes is written elsewhere too. */
  follows(home: string): boolean {
    return !this.#closed && this.#homes?.home === home
  }

  /** Home has taken these. `home`: the cluster that did. */
  committed(home: string, group: string, commits: readonly HomeCommit[]): void {
    if (!this.follows(home)) return
    const { routes, tenant } = this.#engine
    const nowMs = this.#engine.now()
    for (const { topic: name, partition, offset, metadata } of commits) {
      const topic = routes.topic(tenant, name)?.standbyHomeTopic
      if (topic === undefined) continue
      this.#count('overflowed', this.#queue.put(group, { topic, partition, offset, metadata }, nowMs))
    }
    this.#arm()
  }

  /** Home has deleted the group. */
  deleted(home: string, group: string): void {
    if (!this.follows(home)) return
    if (!this.#queue.delete(group, this.#engine.now())) this.#count('overflowed', 1)
    this.#arm()
  }

  /** The routes have changed. */
  routed(): void {
    const homes = homesOf(this.#engine)
    if (homes?.home === this.#homes?.home && homes?.standby === this.#homes?.standby) {
      // It takes no more commits, and moves in a moment: what waits must be there by then.
      if (homes !== undefined && this.#engine.routes.clusters.get(homes.home)?.fenced && !this.#queue.isIdle)
        this.#tick()
      return
    }
    this.#homes = homes
    this.#ready = []
    this.#count('moved', this.#queue.clear())
  }

  /** The age of the oldest commit that waits, ms; null when none does. */
  get lagMs(): number | null {
    return this.#queue.lagMs(this.#engine.now())
  }

  /** Writes what waits, for at most a second. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#queue.size > 0) {
      let late: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
        late = setTimeout(resolve, CLOSE_MAX_MS)
        this.#tick()
      })
      clearTimeout(late)
    }
    clearTimeout(this.#timer)
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#queue.isIdle) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#tick()
      this.#arm()
    }, this.#engine.limits.mirrorEveryMs)
    this.#timer.unref()
  }

  #tick(): void {
    const nowMs = this.#engine.now()
    if (this.#mayWrite(nowMs)) {
      this.#ready = this.#queue.due(nowMs)
      this.#pump()
    }
    this.#say(nowMs)
    if (this.#closed) this.#endIfIdle()
  }

  #mayWrite(nowMs: number): boolean {
    if (this.#homes === undefined || this.#lease?.holds(nowMs) === false) return false
    return this.#sightings.of(this.#homes.standby).state !== 'down'
  }

  #pump(): void {
    const { limits } = this.#engine
    const standby = this.#homes === undefined ? undefined : this.#engine.cluster(this.#homes.standby)
    if (standby === undefined) return
    while (this.#sending < limits.mirrorMaxGroups && this.#mayWrite(this.#engine.now())) {
      const group = this.#ready.shift()
      if (group === undefined) return
      const errand = this.#queue.take(group)
      if (errand === undefined) continue
      this.#sending++
      void this.#send(standby, errand)
    }
  }

  async #send(standby: ClusterConnections, errand: Errand): Promise<void> {
    const { limits, log, now } = this.#engine
    const end = await runErrand(standby, errand, limits.mirrorTimeoutMs)
    this.#sending--
    this.#count('mirrored', end.mirrored.length)
    for (const { why } of end.dropped) this.#count(why, 1)
    const done = end.deleted ? 'deleted' : [...end.mirrored, ...end.dropped.map(({ commit }) => commit)]
    const nowMs = now()
    this.#queue.settled(errand, done, (failures) => nowMs + retryMs(failures))
    if (end.problem !== undefined) {
      log('debug', 'commits-not-mirrored', { group: errand.group, why: end.problem })
      this.#count('expired', this.#queue.expire(errand.group, nowMs - limits.mirrorRetryMaxMs))
    }
    // At the end what has come meanwhile goes too, without waiting for its turn.
    if (this.#closed) this.#tick()
    else this.#pump()
  }

  #endIfIdle(): void {
    const nothingOnItsWay = this.#sending === 0 && this.#ready.length === 0
    if (this.#queue.isIdle || nothingOnItsWay) this.#onIdle?.()
  }

  #count(outcome: MirrorOutcome, commits: number): void {
    if (commits === 0) return
    this.counts[outcome] += commits
    if (outcome === 'mirrored' || outcome === 'superseded') return
    this.#unlogged.set(outcome, (this.#unlogged.get(outcome) ?? 0) + commits)
    this.#say(this.#engine.now())
  }

  /** Once a minute what was lost since. */
  #say(nowMs: number): void {
    if (this.#unlogged.size === 0 || nowMs - this.#loggedMs < LOG_EVERY_MS) return
    this.#loggedMs = nowMs
    this.#engine.log('warn', 'commits-dropped', {
      standbyHome: this.#homes?.standby ?? null,
      ...Object.fromEntries(this.#unlogged),
      lagMs: this.lagMs,
      todo: 'these commits and deletions of groups stand at home only: look at the standby home if there are many',
    })
    this.#unlogged.clear()
  }
}

interface Homes {
  readonly home: string
  readonly standby: string
}

/** Undefined where there is no standby home. */
function homesOf({ routes, tenant }: MirroringEngine): Homes | undefined {
  const route = routes.tenants.get(tenant)
  if (route?.standbyHome === undefined || route.standbyHome === route.home) return undefined
  return { home: route.home, standby: route.standbyHome }
}

const retryMs = (failures: number): number =>
  Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 10))
