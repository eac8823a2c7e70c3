import fc from 'fast-check'
import { ModelProducer, type Stored, valuesOf } from './model-producer.ts'
import { TestClient } from './test-client.ts'
import { elapse, settled } from './virtual-time.ts'
import { type TestEngine, World } from './world.ts'

/** What the schedule does next; the numbers choose among what is possible then. */
export type Step =
  | { readonly do: 'send'; readonly producer: number; readonly listener: number }
  | { readonly do: 'process' | 'deliver' | 'open'; readonly which: number }
  | { readonly do: 'break'; readonly which: number; readonly reached: number }
  | { readonly do: 'leave'; readonly listener: number }
  | { readonly do: 'seal' | 'switch' | 'unseal' }
  | { readonly do: 'learn'; readonly engine: number }
  | { readonly do: 'wait'; readonly ms: number }

const index = fc.nat({ max: 30 })
export const migrationStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('send' as const), producer: index, listener: index }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('process', 'deliver'), which: index }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('open' as const), which: index }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('break' as const), which: index, reached: fc.nat({ max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), listener: index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('seal', 'seal', 'switch', 'switch', 'unseal') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('learn' as const), engine: index }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(5, 20, 260, 1_100, 2_100) }),
  },
)

const LISTENERS_PER_ENGINE = 2
const PARTITIONS = 2
const WRAP = (1n << 61n) + 1n

/** Clusters, access points and producers that a schedule is played on, and what is wrong afterwards. */
export class ModelRun {
  readonly world = new World({ brokers: 2 })
  readonly engines: TestEngine[]
  readonly producers: ModelProducer[]
  readonly clients: TestClient[] = []
  sealed = false
  moves = 0
  protected patienceMs: number

  constructor(engines: number, producers: 'fresh' | 'known') {
    this.engines = Array.from({ length: engines }, () => this.newEngine())
    // What comes before the first batch of a producer that no loglet knows is waited for only so long
    // (sequenceGapMaxMs): in its schedules less time passes than that, also where a seal adds its `reofferMs`.
    this.patienceMs = producers === 'fresh' ? 600 : Number.POSITIVE_INFINITY
    this.world.createTopic('orders', PARTITIONS)
    this.world.learnAll()
    for (const kafka of this.world.kafkas) kafka.manual = true
    for (let i = 0; i < engines * LISTENERS_PER_ENGINE; i++) this.clients.push(this.newClient(i))
    const first = producers === 'fresh' ? 0 : 100
    this.producers = [
      new ModelProducer({ name: 'p', partition: 0, pid: 1n << 61n, first, inFlightMax: 5 }),
      // Has written for long: its sequence is about to come round.
      new ModelProducer({ name: 'wrap', partition: 1, pid: WRAP, first: 2 ** 31 - 3, inFlightMax: 5 }),
      new ModelProducer({ name: 'q', partition: 0, pid: (1n << 61n) + 2n, first, inFlightMax: 3 }),
      new ModelProducer({ name: 'plain', partition: 0, inFlightMax: 1 }),
    ]
    for (const { pid, first, partition } of this.producers) {
      if (pid === undefined || first === 0) continue
      const state = { epoch: 0, lastSequence: first - 1, recent: [] }
      this.world.log('orders', 0, partition).producers.set(pid, state)
    }
  }

  protected newEngine(): TestEngine {
    return this.world.engine()
  }

  newClient(listener: number): TestClient {
    return new TestClient(this.engines[listener % this.engines.length]!.engine)
  }

  connections() {
    return [...this.world.kafkas].flatMap((kafka) => [...kafka.connections])
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'send': {
        const producer = this.producers[step.producer % this.producers.length]!
        producer.send(this.clientFor(producer, step.listener), true)
        break
      }
      case 'process':
      case 'deliver': {
        const all = this.connections()
        const connection = all[step.which % Math.max(1, all.length)]
        if (step.do === 'process') connection?.processNext()
        else connection?.deliverNext()
        break
      }
      case 'open': {
        for (const kafka of this.world.kafkas) kafka.opening.shift()?.()
        break
      }
      case 'break': {
        const all = this.connections()
        all[step.which % Math.max(1, all.length)]?.break(step.reached)
        break
      }
      case 'leave': {
        const listener = step.listener % this.clients.length
        this.clients[listener]!.close()
        this.clients[listener] = this.newClient(listener)
        break
      }
      case 'seal':
        if (this.moves < 4) {
          this.world.seal('orders')
          this.sealed = true
        }
        break
      case 'unseal':
        if (this.sealed) this.world.unseal('orders')
        this.sealed = false
        break
      case 'switch':
        if (this.sealed) {
          this.world.switchTo('orders', this.nextCluster())
          this.sealed = false
        }
        break
      case 'learn':
        this.engines[step.engine % this.engines.length]!.learnNext()
        break
      case 'wait':
        if (step.ms > this.patienceMs) break
        this.patienceMs -= step.ms
        await elapse(step.ms)
    }
    await settled()
  }

  protected clientFor(_producer: ModelProducer, listener: number): TestClient {
    return this.clients[listener % this.clients.length]!
  }

  protected nextCluster(): string {
    return ['a', 'b', 'c'][++this.moves % 3]!
  }

  /** Everything works from here on, until every record is acknowledged. */
  async finish(): Promise<void> {
    if (this.sealed) this.world.switchTo('orders', 'b')
    this.world.learnAll()
    for (const kafka of this.world.kafkas) {
      kafka.manual = false
      for (const open of kafka.opening.splice(0)) open()
      kafka.changed()
    }
    for (let round = 0; round < 60; round++) {
      for (const producer of this.producers) while (producer.send(this.clients[0]!, false)) {}
      await elapse(round < 20 ? 10 : 200)
      if (this.producers.every((producer) => producer.done)) break
    }
    // What is held for a client that has gone leaves at the next look at it, at its bound at the latest.
    if (this.engines.some(({ engine }) => engine.topic('orders')!.heldBatches > 0)) await elapse(4_000)
  }

  chain(partition: number): Stored[] {
    const route = this.world.route('orders')
    return route.chain(partition).flatMap(({ start, end, base }, i) => {
      const log = this.world.log('orders', i, partition)
      return valuesOf(log, start, end ?? log.end, base).filter(({ offset }) => {
        const physical = offset - base + start
        return route.pastHole(i, partition, physical) === physical
      })
    })
  }

  faults(): string[] {
    const faults: string[] = []
    for (const producer of this.producers) {
      if (!producer.done) faults.push(`${producer.name} still waits`)
      faults.push(...producer.faults(this.chain(producer.partition)))
    }
    for (const [number, { engine }] of this.engines.entries()) {
      const topic = engine.topic('orders')!
      if (topic.heldBatches !== 0) faults.push(`engine ${number} still holds ${topic.heldBatches} batches`)
      for (let p = 0; p < PARTITIONS; p++) {
        if (topic.inflight(p) !== 0)
          faults.push(`engine ${number} counts ${topic.inflight(p)} in flight in ${p}`)
      }
    }
    return faults
  }
}
