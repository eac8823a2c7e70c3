import type { BrokerConnection, ClusterConnections } from '@braid/kafka-connection'
import type { ClusterSightings } from './cluster-pulses.ts'
import type { Engine } from './engine.ts'
import type { Session } from './session.ts'

/** The tenant's groups live on its home cluster. What is forwarded there carries home's names of topics. */

const CLOSED = 'the engine is being closed'

/** Home cannot be asked now. Clients look their coordinator up again, and find it where home is then. */
export class HomeAway extends Error {
  override readonly name = 'HomeAway'
}

interface Call {
  readonly home: string
  ended: boolean
  readonly fail: (error: HomeAway) => void
}

/**
 * The way to the group coordinators at home. Nobody waits long for a home that is lost:
 *
 *     home answers          asked at once
 *     home is silent        new requests wait for up to `homeWaitMaxMs`; those under way are given up when it has been
 *                           silent for `homeSilentMaxMs`
 *     home was given up     the same; its connections are cut by then
 *     home has moved        who waits is let through to where it is, those under way are given up at once
 */
export class GroupHome {
  readonly #engine: Engine
  readonly #sightings: ClusterSightings
  readonly #leaveSightings: () => void
  readonly #calls = new Set<Call>()
  /** Who waits for home to be there. */
  readonly #waiting = new Set<() => void>()
  #silentTimer: NodeJS.Timeout | undefined
  #home: string | undefined
  #closed = false

  constructor(engine: Engine, sightings: ClusterSightings) {
    this.#engine = engine
    this.#sightings = sightings
    this.#home = this.#named
    this.#leaveSightings = sightings.onChange((cluster) => {
      if (cluster === this.#home) this.#seen()
    })
  }

  /**
   * The home that can be asked now.
   *
   * @throws HomeAway when there is none for so long that the client should ask again.
   */
  async ready(): Promise<string> {
    const { limits, now } = this.#engine
    const untilMs = now() + limits.homeWaitMaxMs
    for (;;) {
      if (this.#closed) throw new HomeAway(CLOSED)
      const home = this.#named
      if (home === undefined) {
        const { tenant, routes } = this.#engine
        throw new HomeAway(
          `tenant ${tenant} has no home cluster yet in route version ${routes.version}: register a cluster`,
        )
      }
      const why = this.#whyAway(home)
      if (why === undefined) return home
      const leftMs = untilMs - now()
      if (leftMs <= 0) throw new HomeAway(why)
      await this.#change(leftMs)
    }
  }

  /**
   * Asks the group's coordinator, on the session's own connection. When that fails it is looked up again next time.
   *
   * @throws HomeAway, or what kept us from asking.
   */
  async ask<T>(
    session: Session,
    groupId: string,
    ask: (connection: BrokerConnection, home: ClusterConnections) => Promise<T>,
  ): Promise<T> {
    const home = this.#cluster(await this.ready())
    try {
      return await this.#call(home, async (call) => {
        const brokerId = await home.coordinator(groupId)
        const connection = await new Promise<BrokerConnection>((resolve, reject) => {
          session.upstreams.acquire('group', home.name, brokerId, (error, opened) => {
            if (opened !== null) resolve(opened)
            else reject(error)
          })
        })
        // It must not reach a home that is not home any more, when nobody waits for the answer.
        if (call.ended) throw new HomeAway(`${home.name} is asked no more`)
        return ask(connection, home)
      })
    } catch (error) {
      home.invalidateCoordinator(groupId)
      throw error
    }
  }

  /** Runs what asks home, until home is away. */
  async run<T>(work: (home: ClusterConnections) => Promise<T>): Promise<T> {
    const home = this.#cluster(await this.ready())
    return this.#call(home, () => work(home))
  }

  #cluster(name: string): ClusterConnections {
    const cluster = this.#engine.cluster(name)
    if (cluster === undefined) throw new HomeAway(`cluster ${name} is not in the route table`)
    return cluster
  }

  #call<T>(home: ClusterConnections, work: (call: { readonly ended: boolean }) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = {
        home: home.name,
        ended: false,
        fail: (error) => {
          call.ended = true
          this.#calls.delete(call)
          reject(error)
        },
      }
      this.#calls.add(call)
      work(call)
        .then(resolve, reject)
        .finally(() => this.#calls.delete(call))
    })
  }

  /** The routes have changed. */
  routed(): void {
    const before = this.#home
    this.#home = this.#named
    if (before !== this.#home) {
      clearTimeout(this.#silentTimer)
      this.#fail((call) => call.home !== this.#home, `home has moved to ${this.#home}`)
      this.#seen()
    }
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#leaveSightings()
    clearTimeout(this.#silentTimer)
    this.#fail(() => true, CLOSED)
    this.#wake()
  }

  /** Home is seen up, or down. */
  #seen(): void {
    clearTimeout(this.#silentTimer)
    const home = this.#home
    if (home === undefined) return
    const { state, forMs } = this.#sightings.of(home)
    if (state !== 'down') {
      this.#wake()
      return
    }
    const leftMs = Math.max(0, this.#engine.limits.homeSilentMaxMs - forMs)
    this.#silentTimer = setTimeout(() => {
      this.#fail((call) => call.home === home, `${home} has not answered for ${forMs + leftMs} ms`)
    }, leftMs)
    this.#silentTimer.unref()
  }

  #whyAway(home: string): string | undefined {
    const { routes, tenant } = this.#engine
    // Where groups have nowhere to go they go on as long as their home can be reached.
    const goesElsewhere = routes.tenants.get(tenant)?.standbyHome !== undefined
    if (goesElsewhere && routes.clusters.get(home)?.fenced)
      return `home ${home} was given up, and has not moved yet`
    const { state, detail } = this.#sightings.of(home)
    return state === 'down' ? `home ${home} does not answer: ${detail}` : undefined
  }

  get #named(): string | undefined {
    return this.#engine.routes.tenants.get(this.#engine.tenant)?.home
  }

  #fail(which: (call: Call) => boolean, why: string): void {
    for (const call of [...this.#calls]) if (which(call)) call.fail(new HomeAway(why))
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  #change(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, atMostMs)
      this.#waiting.add(wake)
    })
  }
}

/** The client's name of a home topic; undefined: none of the tenant's. */
export function logicalNames(engine: Engine): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const topic of engine.routes.topics(engine.tenant)) names.set(topic.homeTopic, topic.name)
  return names
}

export function homeName(engine: Engine, topic: string): string | undefined {
  return engine.topic(topic)?.route.homeTopic
}
