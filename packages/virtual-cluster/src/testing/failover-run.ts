import { decodeBatch, fetch, walkBatches } from '@braid/kafka-protocol'
import fc from 'fast-check'
import { WriteLease } from '../write-lease.ts'
import { comeBack, failOver, fence, finishReturn, lose, newestLost, startReturn } from './failovers.ts'
import type { ModelProducer, Stored } from './model-producer.ts'
import { ModelRun, migrationStep, type Step } from './model-run.ts'
import type { TestClient } from './test-client.ts'
import { elapse, settled } from './virtual-time.ts'
import type { TestEngine } from './world.ts'

export type FailoverStep =
  | Step
  /** With `alone`, only the control plane does not reach the cluster: it works, and is given up. */
  | { readonly do: 'lose'; readonly reached: number; readonly alone: boolean }
  | { readonly do: 'fence' | 'fail over' | 'come back' | 'start return' | 'finish return' }
  | { readonly do: 'lease runs out' | 'lease is granted' | 'restart'; readonly engine: number }
  /** Brokers work on whatever they have, and in `flow` it is answered too. */
  | { readonly do: 'land' | 'flow' }

const engine = fc.nat({ max: 30 })
export const failoverStep: fc.Arbitrary<FailoverStep> = fc.oneof(
  { weight: 8, arbitrary: migrationStep },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('send' as const), producer: engine, listener: engine }),
  },
  { weight: 7, arbitrary: fc.record({ do: fc.constantFrom('land', 'flow', 'flow') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('lose' as const),
      reached: fc.nat({ max: 3 }),
      alone: fc.boolean(),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'fence',
        'fail over',
        'come back',
        'start return',
        'finish return',
        'finish return',
      ),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('learn' as const), engine }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('lease runs out', 'lease is granted', 'restart'), engine }),
  },
)

const FOR_EVER_MS = 1_000_000_000
/** Loglets that are lost at one time. */
const LOST_MAX = 2

/**
 * Adds a control plane's part in failovers and returns, step by step. Producers use one connection at a time, as Kafka's
 * do for a partition. What precedes a batch that was lost is waited for only so long, so little time passes.
 */
export class FailoverRun extends ModelRun {
  readonly #listeners = new Map<ModelProducer, number>()
  readonly #policy: 'strict' | 'available'
  /** Whoever writes batches again has had the time for it. */
  #finishing = false
  /** The version that fenced the active loglet's cluster. */
  #fencedIn = 0
  /** The version that says that a loglet returns. */
  #returningIn = 0

  constructor(engines: number, producers: 'fresh' | 'known', policy: 'strict' | 'available') {
    super(engines, producers)
    this.#policy = policy
    this.patienceMs = 600
    this.world.change(this.world.route('orders').withFailover(policy))
    this.world.learnAll()
    for (const { lease } of this.engines) lease!.granted(Date.now(), FOR_EVER_MS)
  }

  protected override newEngine(): TestEngine {
    return this.world.engine({}, undefined, new WriteLease())
  }

  protected override clientFor(producer: ModelProducer, listener: number): TestClient {
    if (producer.inFlight === 0) this.#listeners.set(producer, listener)
    return super.clientFor(producer, this.#listeners.get(producer)!)
  }

  protected override nextCluster(): string {
    return this.#usable[++this.moves % this.#usable.length]!
  }

  /** Clusters that the topic can go to. */
  get #usable(): string[] {
    return ['a', 'b', 'c'].filter((name) => !this.#isGivenUp(name) && name !== this.#active)
  }

  get #route() {
    return this.world.route('orders')
  }

  get #active(): string {
    return this.#route.cluster(this.#route.active)
  }

  #isGivenUp(cluster: string): boolean {
    return this.world.kafka(cluster).silent || this.world.table.clusters.get(cluster)!.fenced === true
  }

  #indexOf(state: 'lost' | 'returning'): number {
    const { depth } = this.#route
    return Array.from({ length: depth }, (_, i) => i).findLastIndex(
      (i) => this.#route.away(i)?.state === state,
    )
  }

  override async take(step: FailoverStep): Promise<void> {
    switch (step.do) {
      case 'lose': {
        const givenUp = ['a', 'b', 'c'].filter((name) => this.#isGivenUp(name)).length
        if (givenUp >= LOST_MAX || this.#isGivenUp(this.#active)) return
        this.world.kafka(this.#active).reached = step.reached
        if (step.alone) this.#fence()
        else lose(this.world, this.#active)
        break
      }
      case 'fence':
        if (this.world.kafka(this.#active).silent) this.#fence()
        break
      case 'fail over':
        if (!this.world.table.clusters.get(this.#active)!.fenced || this.#indexOf('returning') >= 0) return
        if (this.#usable.length === 0) return
        // Who has not heard of the fence has lost its lease.
        for (const { engine, lease } of this.engines) {
          if (engine.routes.version < this.#fencedIn) lease!.end()
        }
        failOver(this.world, 'orders', this.nextCluster(), this.#policy === 'strict' ? 'wait' : 'skip')
        this.sealed = false
        break
      case 'come back':
        for (const { name, silent } of this.world.kafkas)
          if (silent && name !== this.#active) this.#comeBack(name)
        break
      case 'start return':
        this.#startReturn()
        break
      case 'finish return':
        this.#finishReturn()
        break
      case 'lease runs out':
        this.engines[step.engine % this.engines.length]!.lease!.end()
        break
      case 'lease is granted': {
        const { behind, lease } = this.engines[step.engine % this.engines.length]!
        if (behind === 0) lease!.granted(Date.now(), FOR_EVER_MS)
        break
      }
      case 'restart':
        await this.#restart(step.engine % this.engines.length)
        break
      case 'land':
      case 'flow':
        for (const kafka of this.world.kafkas) for (const open of kafka.opening.splice(0)) open()
        await settled()
        for (const connection of this.connections()) {
          while (connection.processNext()) {}
          if (step.do === 'flow') while (connection.deliverNext()) {}
        }
        break
      case 'seal':
      case 'switch':
      case 'unseal':
        if (!this.#isGivenUp(this.#active) && this.#usable.length > 0) await super.take(step)
        return
      default:
        await super.take(step)
        return
    }
    await settled()
  }

  /** An access point that knows nothing of what went through the one before it, but has the newest routes. */
  async #restart(number: number): Promise<void> {
    await this.engines[number]!.engine.close()
    this.engines[number] = this.newEngine()
    this.engines[number].lease!.granted(Date.now(), FOR_EVER_MS)
    for (let listener = number; listener < this.clients.length; listener += this.engines.length) {
      this.clients[listener]!.close()
      this.clients[listener] = this.newClient(listener)
    }
  }

  #fence(): void {
    if (this.world.table.clusters.get(this.#active)!.fenced) return
    fence(this.world, this.#active)
    this.#fencedIn = this.world.table.version
  }

  #comeBack(cluster: string): void {
    this.world.kafka(cluster).reached = 0
    comeBack(this.world, cluster)
  }

  /** The newest first: what it has was written again later, what it has not is older. */
  #startReturn(): void {
    const index = newestLost(this.world, 'orders')
    if (index < 0 || this.#indexOf('returning') >= 0) return
    if (this.world.kafka(this.#route.cluster(index)).silent) return
    startReturn(this.world, 'orders', index)
    this.#returningIn = this.world.table.version
  }

  #finishReturn(): void {
    const index = this.#indexOf('returning')
    const settledNow = this.engines.every(
      ({ engine }) =>
        engine.routes.version >= this.#returningIn && engine.settledVersion >= this.#returningIn,
    )
    if (index < 0 || !settledNow) return
    const cluster = this.#route.cluster(index)
    if (!finishReturn(this.world, 'orders', index, { waits: !this.#finishing })) return
    if (!this.#route.chain(0).some((loglet) => loglet.cluster === cluster && loglet.away !== undefined)) {
      fence(this.world, cluster, false)
    }
  }

  override async finish(): Promise<void> {
    const active = this.#active
    for (const kafka of this.world.kafkas) {
      kafka.manual = false
      for (const open of kafka.opening.splice(0)) open()
      if (kafka.silent) this.#comeBack(kafka.name)
      kafka.changed()
    }
    if (this.world.table.clusters.get(active)!.fenced) fence(this.world, active, false)
    if (this.sealed) this.world.switchTo('orders', this.nextCluster())
    this.sealed = false
    for (let round = 0; round < 200; round++) {
      this.world.learnAll()
      for (const { lease } of this.engines) lease!.granted(Date.now(), FOR_EVER_MS)
      if (this.#indexOf('returning') >= 0) this.#finishReturn()
      else if (this.#indexOf('lost') >= 0) this.#startReturn()
      else break
      for (const producer of this.producers) while (producer.send(this.clientFor(producer, 0), false)) {}
      await elapse(10)
      this.#finishing = this.producers.every((producer) => producer.done)
    }
    await super.finish()
  }

  /** What a consumer reads from the beginning. */
  async read(partition: number): Promise<Stored[]> {
    const client = this.newClient(0)
    const seen: Stored[] = []
    let offset = 0n
    for (let empty = 0; empty < 3; ) {
      const asked = client.ask(fetch, 11, {
        replicaId: -1,
        maxWaitMs: 20,
        minBytes: 1,
        maxBytes: 1_000_000,
        isolationLevel: 0,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [
          {
            topic: 'orders',
            partitions: [
              {
                partition,
                currentLeaderEpoch: -1,
                fetchOffset: offset,
                logStartOffset: -1n,
                partitionMaxBytes: 300,
              },
            ],
          },
        ],
        forgottenTopicsData: [],
        rackId: '',
      })
      await elapse(30)
      const { records } = (await asked).responses[0]!.partitions[0]!
      const bytes = records ?? Buffer.alloc(0)
      const before = offset
      walkBatches(bytes, (at) => {
        for (const record of decodeBatch(bytes, at).records) {
          if (record.offset < offset) continue
          seen.push({ value: String(record.value), offset: record.offset })
          offset = record.offset + 1n
        }
      })
      empty = offset === before ? empty + 1 : 0
    }
    return seen
  }

  /** As `faults`, and what a consumer reads is what is there. */
  async faultsAlsoRead(): Promise<string[]> {
    const faults = this.faults()
    if (this.#route.isPartlyAway) faults.push('a loglet has not returned')
    for (const partition of [0, 1]) {
      const read = (await this.read(partition)).map(({ value, offset }) => `${value}@${offset}`)
      const stored = this.chain(partition).map(({ value, offset }) => `${value}@${offset}`)
      if (read.join() !== stored.join()) faults.push(`partition ${partition} has ${stored} and reads ${read}`)
    }
    return faults
  }
}
