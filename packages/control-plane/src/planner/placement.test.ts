import { describe, expect, it } from 'vitest'
import { withMoves, withPlacements } from './apply.ts'
import { bigFleet } from './big-fleet.ts'
import { brokenRules } from './broken-rules.ts'
import { placeTopic, planFleetPlacement, planTopics } from './placement.ts'
import { planRebalance } from './rebalance.ts'
import { cluster, exampleFleet, MB, topic } from './testing/example-fleet.ts'

const clusterOf = (placement: ReturnType<typeof placeTopic>) =>
  placement.kind === 'placed' ? placement.cluster : placement

describe('a topic goes', () => {
  const filled = (megabytesAtHome: number) =>
    exampleFleet({
      topics: [
        topic('old', {
          tenant: 'bank',
          megabytesIn: megabytesAtHome,
          readers: 0,
          cluster: 'eu-a-1',
          stub: 'eu-b-1',
        }),
      ],
    })

  it('to the home of its tenant, as long as that is at most 10 points fuller than the emptiest', () => {
    expect(clusterOf(placeTopic(filled(12), topic('new')))).toBe('eu-a-1')
    expect(clusterOf(placeTopic(filled(13), topic('new')))).toBe('eu-a-2')
  })

  it('to where its tenant has topics already, within the same 10 points', () => {
    const fleet = exampleFleet({
      topics: [
        topic('large', { megabytesIn: 40, readers: 0, cluster: 'eu-a-1' }),
        topic('small', { megabytesIn: 4, readers: 0, cluster: 'us-a-1' }),
      ],
    })
    expect(clusterOf(placeTopic(fleet, topic('new')))).toBe('us-a-1')
  })

  it('evenly over clusters that state no capacity', () => {
    const noLimit = { bytesInPerSecond: null, bytesOutPerSecond: null, partitions: null }
    const fleet = exampleFleet({
      clusters: [cluster('eu-a-1', { capacity: noLimit }), cluster('eu-a-2', { capacity: noLimit })],
      topics: Array.from({ length: 20 }, (_, i) => topic(`t${i}`, { megabytesIn: 20, readers: 3 })),
    })
    const placed = planFleetPlacement(fleet).map(clusterOf as never)
    expect(placed.filter((name) => name === 'eu-a-1').length).toBeGreaterThanOrEqual(8)
    expect(placed.filter((name) => name === 'eu-a-2').length).toBeGreaterThanOrEqual(8)
  })
})

describe('room for failovers', () => {
  const gold = (name: string, at: string, megabytesIn: number) =>
    topic(name, { sla: 'gold', megabytesIn, readers: 0, cluster: at, standby: 'eu-b-1', stub: 'eu-a-1' })
  const third = cluster('eu-c-1')
  const fleet = (...topics: ReturnType<typeof topic>[]) =>
    exampleFleet({ clusters: [...exampleFleet().clusters, third], topics })

  it('is kept for one failure domain at a time, not for all of them at once', () => {
    // 60 MB/s from domain eu-a or 60 MB/s from eu-c: never both, so 100 MB/s are enough.
    expect(brokenRules(fleet(gold('a', 'eu-a-1', 60), gold('c', 'eu-c-1', 60)))).toEqual([])
    // Both clusters of domain eu-a fail together.
    expect(
      brokenRules(fleet(gold('a', 'eu-a-1', 60), gold('b', 'eu-a-2', 60))).map(({ rule }) => rule),
    ).toContain('bytes-in')
  })

  it('is free again when the topic is looked at anew', () => {
    const [a, b] = [gold('a', 'eu-a-1', 40), gold('b', 'eu-a-2', 60)]
    const placed = planTopics(fleet(a, b), [
      b,
      topic('c', { megabytesIn: 50, readers: 0, pinnedTo: 'eu-b-1' }),
    ])
    expect(placed.map(({ kind }) => kind)).toEqual(['placed', 'placed'])
  })

  it('is not given to new topics', () => {
    const [full] = [fleet(gold('a', 'eu-a-1', 60))]
    const { considered } = placeTopic(full, topic('new', { megabytesIn: 50, readers: 0 }))
    expect(considered.find(({ cluster }) => cluster === 'eu-b-1')).toEqual({
      cluster: 'eu-b-1',
      verdict: 'refused',
      reason: '50 MB/s of bytes in needed, 40 MB/s left of 100 MB/s',
    })
  })
})

describe('10,000 topics over 150 clusters', () => {
  const fleet = bigFleet(1, { topics: 10_000, clusters: 150 })

  it('are the same for the same seed', () => {
    expect(bigFleet(1, { topics: 10_000, clusters: 150 })).toEqual(fleet)
    expect(bigFleet(2, { topics: 10_000, clusters: 150 })).not.toEqual(fleet)
  })

  it('are placed and evened out in under 2 s each, and no rule is broken', { timeout: 60_000 }, () => {
    // The processor's time, not the clock's: other work on the machine is not the planner's.
    const started = process.cpuUsage()
    const placements = planFleetPlacement(fleet)
    const placedMs = process.cpuUsage(started).user / 1_000
    expect(placements.filter(({ kind }) => kind === 'refused')).toEqual([])
    const placed = withPlacements(fleet, fleet.topics, placements)
    expect(brokenRules(placed)).toEqual([])

    const fresh = {
      ...fleet.clusters[0]!,
      name: 'new',
      labels: { region: 'eu' },
      otherPartitions: 0,
      capacity: { bytesInPerSecond: 300 * MB, bytesOutPerSecond: 900 * MB, partitions: 12_000 },
    }
    const grown = { ...placed, clusters: [...placed.clusters, fresh] }
    const startedRebalance = process.cpuUsage()
    const { moves } = planRebalance(grown, { maxMoves: 200, threshold: 0.1 })
    const rebalancedMs = process.cpuUsage(startedRebalance).user / 1_000
    expect(moves.length).toBeGreaterThan(0)
    expect(moves.some(({ to }) => to === 'new')).toBe(true)
    expect(brokenRules(withMoves(grown, moves))).toEqual([])
    expect({ placedMs, rebalancedMs, inTime: placedMs < 2_000 && rebalancedMs < 2_000 }).toMatchObject({
      inTime: true,
    })
  })
})
