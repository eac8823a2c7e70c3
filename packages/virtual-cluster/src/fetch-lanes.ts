import type { Engine } from './engine.ts'
import { FetchLane } from './fetch-lane.ts'

/** A session's fetch lanes, one per broker, made when first needed. */
export class FetchLanes {
  readonly #engine: Engine
  readonly #clusters = new Map<string, Map<number, FetchLane>>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  of(cluster: string, brokerId: number): FetchLane {
    let brokers = this.#clusters.get(cluster)
    if (brokers === undefined) {
      brokers = new Map()
      this.#clusters.set(cluster, brokers)
    }
    let lane = brokers.get(brokerId)
    if (lane === undefined) {
      lane = new FetchLane(this.#engine, cluster, brokerId)
      brokers.set(brokerId, lane)
    }
    return lane
  }

  close(): void {
    for (const brokers of this.#clusters.values()) for (const lane of brokers.values()) lane.close()
    this.#clusters.clear()
  }
}
