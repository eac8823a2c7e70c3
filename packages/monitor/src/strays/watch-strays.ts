// Records behind a cut. A client that goes past Braid can write to a physical topic until it is sealed; what slips
// behind the seal, or is written after somebody took the seal off, is in no chain and read by nobody. A switch looks for some
// minutes itself, and the monitor always.
import { createHash } from 'node:crypto'
import { producerId, recordCount, walkBatches } from '@braid/kafka-protocol'
import type { RouteTable, TopicRoute } from '@braid/routing-model'
import type { Clusters } from '../clusters/cluster-set.ts'
import { readBatches } from '../clusters/read-batch.ts'
import { readOffsets } from '../clusters/read-offsets.ts'
import type { Find } from '../findings.ts'

export interface StraysParts {
  readonly clusters: Clusters
  readonly find: Find
  readonly timeoutMs: number
}

/** A sealed loglet of one partition, and what its log ends at. */
interface Sealed {
  readonly route: TopicRoute
  readonly loglet: number
  readonly partition: number
}

/** Looked at in one round; the others take their turn in the next ones. */
const PARTITIONS_MAX = 50_000
const READ_BYTES = 1_048_576
const PRODUCERS_NAMED_MAX = 10

export class StrayWatch {
  readonly #parts: StraysParts
  /** Where the logs of sealed loglets ended when they were looked at last. */
  #ends = new Map<string, bigint>()
  readonly #totals = new Map<string, { tenant: string; topic: string; records: number }>()
  #next = 0

  constructor(parts: StraysParts) {
    this.#parts = parts
  }

  /** By topic, since this monitor looks. */
  get totals(): Iterable<{ readonly tenant: string; readonly topic: string; readonly records: number }> {
    return this.#totals.values()
  }

  async round(table: RouteTable): Promise<void> {
    const all = [...table.tenants.keys()].flatMap((tenant) => [...table.topics(tenant)].flatMap(sealedOf))
    const due = this.#due(all)
    const kept = new Set(all.map(keyOf))
    for (const key of this.#ends.keys()) if (!kept.has(key)) this.#ends.delete(key)
    for (const [key, { tenant, topic }] of this.#totals)
      if (table.topic(tenant, topic) === undefined) this.#totals.delete(key)
    await Promise.all(
      [...Map.groupBy(due, ({ route, loglet }) => route.cluster(loglet))].map(([cluster, sealed]) =>
        this.#look(cluster, sealed),
      ),
    )
  }

  #due(all: readonly Sealed[]): Sealed[] {
    const count = Math.min(PARTITIONS_MAX, all.length)
    const due = Array.from({ length: count }, (_, i) => all[(this.#next + i) % all.length]!)
    this.#next = all.length === 0 ? 0 : (this.#next + count) % all.length
    return due
  }

  async #look(name: string, sealed: readonly Sealed[]): Promise<void> {
    const cluster = this.#parts.clusters(name)
    if (cluster === undefined) return
    const asked = [...Map.groupBy(sealed, ({ route, loglet }) => route.physicalTopic(loglet))].map(
      ([topic, ofTopic]) => ({ topic, partitions: ofTopic.map(({ partition }) => partition) }),
    )
    const ends = await readOffsets(cluster, asked, 'logEnd', this.#parts.timeoutMs)
    // One that is late is not waited for again in this look.
    const late = new Set<string>()
    for (const one of sealed) {
      const end = ends.get(one.route.physicalTopic(one.loglet))?.get(one.partition)
      if (end !== undefined) await this.#judge(one, end, late)
    }
  }

  async #judge(sealed: Sealed, end: bigint, late: Set<string>): Promise<void> {
    const { route, loglet, partition } = sealed
    const key = keyOf(sealed)
    const cut = route.end(loglet, partition)
    const known = this.#ends.get(key)
    this.#ends.set(key, end)
    const from = strayFrom({ cut, end, known, cutMayBeLowered: route.failover === 'available' })
    if (from === undefined) return
    const { tenant, name: topic } = route
    const total = this.#totals.get(`${tenant}/${topic}`) ?? { tenant, topic, records: 0 }
    this.#totals.set(`${tenant}/${topic}`, { ...total, records: total.records + Number(end - from) })
    const cluster = route.cluster(loglet)
    const physicalTopic = route.physicalTopic(loglet)
    const producers = await this.#producers(sealed, from, late)
    this.#parts.find({
      id: createHash('sha256').update(`${key}/${from}/${end}`).digest('hex').slice(0, 32),
      kind: 'STRAYS_SEEN',
      severity: 'error',
      cluster,
      tenant,
      topic,
      detail: `${end - from} records were written behind the cut of ${topic}: ${cluster} ${physicalTopic}-${partition} [${from}, ${end}), by ${producers}`,
      evidence: {
        physicalTopic,
        partition,
        from: String(from),
        to: String(end),
        cut: String(cut),
        producers,
      },
    })
  }

  /** Who wrote them, as their batches say. */
  async #producers({ route, loglet, partition }: Sealed, offset: bigint, late: Set<string>): Promise<string> {
    const name = route.cluster(loglet)
    const cluster = late.has(name) ? undefined : this.#parts.clusters(name)
    const ids = new Map<bigint, number>()
    try {
      const from = { topic: route.physicalTopic(loglet), partition, offset }
      const batches =
        cluster &&
        (await readBatches(cluster, from, READ_BYTES, this.#parts.timeoutMs).catch(() => {
          late.add(name)
          return undefined
        }))
      if (batches !== undefined)
        walkBatches(batches, (at) => {
          const id = producerId(batches, at)
          ids.set(id, (ids.get(id) ?? 0) + recordCount(batches, at))
        })
    } catch {
      // Named as unknown: that they are there is what counts.
    }
    if (ids.size === 0) return 'producers that could not be read'
    const named = [...ids]
      .slice(0, PRODUCERS_NAMED_MAX)
      .map(([id]) => (id < 0n ? 'without an id' : `id ${id}`))
    return `producers ${named.join(', ')}${ids.size > PRODUCERS_NAMED_MAX ? ` and ${ids.size - PRODUCERS_NAMED_MAX} more` : ''}`
  }
}

export interface StrayQuestion {
  readonly cut: bigint
  readonly end: bigint
  /** The end at the last look; undefined at the first. */
  readonly known: bigint | undefined
  /**
   * A loglet that returned under `available` is cut where its readers were, and what lies behind is copied on: at the first
   * look that cannot be told from strays.
   */
  readonly cutMayBeLowered: boolean
}

/** Where records begin that were not seen before and are behind the cut; undefined when there are none. */
export function strayFrom({ cut, end, known, cutMayBeLowered }: StrayQuestion): bigint | undefined {
  if (known === undefined && cutMayBeLowered) return undefined
  const from = known === undefined || known < cut ? cut : known
  return end > from ? from : undefined
}

function sealedOf(route: TopicRoute): Sealed[] {
  const sealed: Sealed[] = []
  for (let loglet = 0; loglet < route.active; loglet++) {
    if (route.away(loglet)?.state === 'lost') continue
    for (let partition = 0; partition < route.partitions; partition++)
      if (route.end(loglet, partition) >= 0n) sealed.push({ route, loglet, partition })
  }
  return sealed
}

const keyOf = ({ route, loglet, partition }: Sealed): string =>
  `${route.cluster(loglet)}/${route.physicalTopic(loglet)}/${partition}`
