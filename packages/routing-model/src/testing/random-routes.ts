// Random topics and tables, grown the way that real ones grow: by moves, gaps and retirements, clusters that are lost
// and that return.
import fc from 'fast-check'
import type { AccessPointRoute } from '../access-point.ts'
import { appendLoglet, retireFirst, startChain } from '../chain.ts'
import type { ClusterSecurity } from '../cluster.ts'
import type { Loglet } from '../loglet.ts'
import { RouteTable } from '../route-table.ts'
import { TopicRoute } from '../topic-route.ts'

export const CLUSTERS = ['kafka-a', 'kafka-b', 'kafka-c'] as const

export type Step =
  | { kind: 'move'; cluster: string; lengths: readonly bigint[]; gap: bigint }
  | { kind: 'retire' }
  /** The active loglet is given up. */
  | { kind: 'lose'; cluster: string; lengths: readonly bigint[]; gap: bigint; readers: 'wait' | 'skip' }
  /** The first loglet that is away comes back, so long; half way only, or wholly with a hole at its beginning. */
  | { kind: 'return'; lengths: readonly bigint[]; until: 'returning' | 'returned' }
  | { kind: 'abandon' }

/** A topic's history: what its partitions wrote between moves, and when the oldest loglets went. */
export interface History {
  readonly partitions: number
  readonly steps: readonly Step[]
}

const length = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0n) },
  { weight: 5, arbitrary: fc.bigInt(1n, 20n) },
  { weight: 1, arbitrary: fc.bigInt(2n ** 53n - 2n, 2n ** 53n + 2n) },
)
const lengthsOf = (partitions: number) =>
  fc.oneof(
    fc.array(length, { minLength: partitions, maxLength: partitions }),
    length.map((same) => Array<bigint>(partitions).fill(same)),
  )
const gap = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.bigInt(1n, 1_000_000n) },
)

export const history: fc.Arbitrary<History> = fc.integer({ min: 1, max: 4 }).chain((partitions) =>
  fc.record({
    partitions: fc.constant(partitions),
    steps: fc.array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({
            kind: fc.constant('move' as const),
            cluster: fc.constantFrom(...CLUSTERS),
            lengths: lengthsOf(partitions),
            gap,
          }),
        },
        { weight: 1, arbitrary: fc.constant({ kind: 'retire' as const }) },
        {
          weight: 2,
          arbitrary: fc.record({
            kind: fc.constant('lose' as const),
            cluster: fc.constantFrom(...CLUSTERS),
            lengths: lengthsOf(partitions),
            gap,
            readers: fc.constantFrom('wait' as const, 'skip' as const),
          }),
        },
        {
          weight: 2,
          arbitrary: fc.record({
            kind: fc.constant('return' as const),
            lengths: lengthsOf(partitions),
            until: fc.constantFrom('returning' as const, 'returned' as const),
          }),
        },
        { weight: 1, arbitrary: fc.constant({ kind: 'abandon' as const }) },
      ),
      { maxLength: 8 },
    ),
  }),
)

/** The history told twice: to a TopicRoute, and to one plain chain for each partition. */
export function live(
  { partitions, steps }: History,
  name = 'orders',
): { route: TopicRoute; chains: Loglet[][] } {
  let route = TopicRoute.create({
    tenant: 'default',
    name,
    id: `id-of-${name}`,
    partitions,
    maxMessageBytes: 1_048_588,
    homeTopic: name,
    cluster: 'kafka-a',
    topic: name,
  })
  let chains = Array.from({ length: partitions }, (_, partition) =>
    startChain({ cluster: 'kafka-a', topic: name, partition }),
  )
  for (const [i, step] of steps.entries()) {
    if (step.kind === 'retire') {
      if (route.depth < 2) continue
      route = route.retiredFirst()
      chains = chains.map(retireFirst)
    } else if (step.kind === 'lose') {
      const next = { cluster: step.cluster, topic: `${name}.${i}` }
      const bases = step.lengths.map((written, p) => route.base(route.active, p) + written)
      const base = bases.reduce(later) + step.gap
      route = route.lostAndAppended(base, next, step.readers)
      chains = chains.map((chain, partition) => [
        ...chain.slice(0, -1),
        { ...chain.at(-1)!, away: { state: 'lost', readers: step.readers } },
        { ...next, partition, start: 0n, base },
      ])
    } else if (step.kind === 'return') {
      ;({ route, chains } = returned({ route, chains }, step))
    } else if (step.kind === 'abandon') {
      const at = firstAway(route)
      if (at < 0) continue
      route = route.abandoned(at)
      chains = chains.map((chain) => chain.toSpliced(at, 1))
    } else {
      const next = { cluster: step.cluster, topic: `${name}.${i}` }
      const cuts = step.lengths.map((written, p) => route.start(route.active, p) + written)
      route = route.sealedAndAppended(cuts, next, step.gap)
      chains = chains.map((chain, p) => appendLoglet(chain, cuts[p]!, next, step.gap))
    }
  }
  return { route, chains }
}

const later = (a: bigint, b: bigint): bigint => {
  if (a > b) return a
  return b
}

function firstAway(route: TopicRoute): number {
  for (let index = 0; index < route.active; index++) if (route.away(index) !== undefined) return index
  return -1
}

function returned(
  { route, chains }: { route: TopicRoute; chains: Loglet[][] },
  { lengths, until }: Extract<Step, { kind: 'return' }>,
): { route: TopicRoute; chains: Loglet[][] } {
  const at = firstAway(route)
  if (at < 0) return { route, chains }
  const ends = chains.map((chain, p) => {
    const { start, base, end } = chain[at]!
    const room = chain[at + 1]!.base - base
    return end ?? start + (later(lengths[p]!, room) === room ? lengths[p]! : room)
  })
  const readers = route.away(at)!.readers
  const returning = route.returning(at, ends)
  const sealed = chains.map((chain, p) =>
    chain.with(at, { ...chain[at]!, end: ends[p]!, away: { state: 'returning', readers } }),
  )
  if (until === 'returning') return { route: returning, chains: sealed }
  const { start } = sealed[0]![at]!
  const holes = ends[0]! > start ? new Map([[0, BigInt64Array.of(start, start + 1n)]]) : undefined
  return {
    route: returning.returned(at, ends, holes),
    chains: sealed.map((chain) => {
      const { away: _, ...loglet } = chain[at]!
      return chain.with(at, loglet)
    }),
  }
}

/** Offsets where something could go wrong: around every edge of every chain. */
export function edges(chains: readonly (readonly Loglet[])[]): bigint[] {
  const offsets = new Set<bigint>([0n, 2n ** 62n])
  for (const { base, start, end } of chains.flat()) {
    for (const edge of end === undefined ? [base] : [base, base + (end - start)]) {
      for (const offset of [edge - 1n, edge, edge + 1n]) offsets.add(offset)
    }
  }
  return [...offsets]
}

const accessPoint: fc.Arbitrary<Omit<AccessPointRoute, 'number'>> = fc.record({
  id: fc.constantFrom('proxy-1', 'proxy-2', 'sdk-1'),
  listeners: fc.dictionary(fc.constantFrom(...CLUSTERS), fc.constantFrom('p:9093', 'p:9094'), {
    noNullPrototype: true,
  }),
  bootstrap: fc.constantFrom('p:9092', 'q:9092'),
})

const security: fc.Arbitrary<ClusterSecurity> = fc.constantFrom<ClusterSecurity[]>(
  { protocol: 'SSL' },
  { protocol: 'SSL', tls: { ca: 'file:/ca.pem' } },
  {
    protocol: 'SASL_SSL',
    tls: { serverName: 'kafka' },
    sasl: { mechanism: 'PLAIN', username: 'u', password: 'env:A' },
  },
  { protocol: 'SASL_PLAINTEXT', sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'env:B' } },
)

/** A table at `version`. Tables of one test are unlike, but name the same things now and then. */
export const tableAt = (version: number): fc.Arbitrary<RouteTable> =>
  fc
    .record({
      spare: fc.array(fc.record({ name: fc.constantFrom('spare-1', 'spare-2'), port: fc.nat(3) }), {
        maxLength: 2,
      }),
      tenants: fc.uniqueArray(fc.constantFrom('default', 'acme'), { minLength: 1 }),
      home: fc.constantFrom(...CLUSTERS),
      accessPoints: fc.uniqueArray(accessPoint, { selector: ({ id }) => id }),
      topics: fc.uniqueArray(fc.tuple(fc.constantFrom('orders', 'payments', 'clicks'), history), {
        selector: ([name]) => name,
      }),
      prepared: fc.boolean(),
      secured: fc.option(security, { nil: undefined }),
    })
    .map(({ spare, tenants, home, accessPoints, topics, prepared, secured }) => {
      const spares = new Map(spare.map(({ name, port }) => [name, `${name}:${port}`]))
      const clusters = [...CLUSTERS.map((name) => [name, `${name}:9092`] as const), ...spares]
      return RouteTable.fromJSON({
        version,
        clusters: clusters.map(([name, address], i) => ({
          name,
          number: i + 1,
          bootstrap: [address],
          ...(secured !== undefined && { security: secured }),
        })),
        tenants: tenants.map((name) => ({ name, home })),
        accessPoints: accessPoints.map((point, number) => ({ ...point, number })),
        topics: tenants.flatMap((tenant) =>
          topics.map(([name, story]) => {
            const next = prepared ? { cluster: 'kafka-c', topic: `${name}.next` } : undefined
            return { ...live(story, name).route.withPrepared(next).toJSON(), tenant }
          }),
        ),
      })
    })
