import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withDrain, withMoves, withPlacements, withReplicas, withStandbys, withStubs } from './apply.ts'
import { brokenRules } from './broken-rules.ts'
import { planDrain } from './drain.ts'
import { type FleetSnapshot, type PlannedCluster, topicKey } from './fleet.ts'
import { placeTopic, planFleetPlacement, planTopics } from './placement.ts'
import { proposeReadReplicas } from './read-replicas.ts'
import { planRebalance } from './rebalance.ts'
import { planStandbys } from './standbys.ts'
import { planStubs } from './stubs.ts'
import { handCount } from './testing/hand-count.ts'
import { randomFleet, shuffled } from './testing/random-fleets.ts'

const RUNS = { numRuns: 200 }
const options = { maxMoves: 20, threshold: 0.1 }

const unplaced = ({ topics }: FleetSnapshot) => topics.filter(({ cluster }) => cluster === null)
/** As a planner would have made it: placed, with standbys and stubs. */
const settled = (fleet: FleetSnapshot): FleetSnapshot => {
  const empty = {
    ...fleet,
    topics: fleet.topics.map((topic) => ({ ...topic, cluster: null, standby: null, stub: null })),
  }
  const active = { ...empty, clusters: empty.clusters.map((each) => ({ ...each, state: 'active' as const })) }
  const placed = withPlacements(active, active.topics, planFleetPlacement(active))
  return { ...placed, clusters: fleet.clusters }
}

/** Everything that plans, as a function from the fleet before to the fleet after. */
const plans: Record<string, (fleet: FleetSnapshot) => FleetSnapshot> = {
  placement: (fleet) => withPlacements(fleet, unplaced(fleet), planFleetPlacement(fleet)),
  'placement anew': (fleet) => withPlacements(fleet, fleet.topics, planTopics(fleet, fleet.topics)),
  drain: (fleet) => withDrain(fleet, planDrain(fleet, 'c0')),
  rebalance: (fleet) => withMoves(fleet, planRebalance(fleet, options).moves),
  standbys: (fleet) => withStandbys(fleet, planStandbys(fleet).changes),
  stubs: (fleet) => withStubs(fleet, planStubs(fleet).changes),
  'read replicas': (fleet) => withReplicas(fleet, proposeReadReplicas(fleet)),
}

describe.each([
  ['any fleet', randomFleet],
  ['a settled fleet', randomFleet.map(settled)],
])('on %s', (_, fleets) => {
  describe.each(Object.entries(plans))('%s', (_name, plan) => {
    it('breaks no hard rule', () => {
      fc.assert(
        fc.property(fleets, (fleet) => {
          const next = plan(fleet)
          const key = ({ topic, role, cluster, rule }: ReturnType<typeof brokenRules>[number]) =>
            `${topicKey(topic)} ${role} ${cluster} ${rule}`
          const before = new Set(brokenRules(fleet).map(key))
          expect(
            brokenRules(next)
              .map(key)
              .filter((broken) => !before.has(broken)),
          ).toEqual([])
          onlyActiveTakeNew(fleet, next)
        }),
        RUNS,
      )
    })

    it('breaks none that are counted by hand, and makes nothing fuller that is too full', () => {
      fc.assert(
        fc.property(fleets, (fleet) => {
          const before = handCount(fleet)
          const after = handCount(plan(fleet))
          expect([...after.topics].filter((wrong) => !before.topics.has(wrong))).toEqual([])
          for (const [what, by] of after.over)
            expect({ what, by }).toEqual({ what, by: Math.min(by, before.over.get(what) ?? 0) })
        }),
        RUNS,
      )
    })

    it('gives the same plan whatever the order of its input', () => {
      const both = fleets.chain((fleet) => fc.tuple(fc.constant(fleet), shuffled(fleet)))
      const byName = (fleet: FleetSnapshot) => fleet.topics.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      fc.assert(
        fc.property(both, ([fleet, other]) => {
          const [one, two] = [plan(fleet), plan(other)]
          expect(byName(two)).toEqual(byName(one))
          expect(two.replicas).toEqual(one.replicas)
        }),
        RUNS,
      )
    })
  })
})

function onlyActiveTakeNew(before: FleetSnapshot, after: FleetSnapshot): void {
  const old = new Map(before.topics.map((topic) => [topicKey(topic), topic]))
  const state = new Map(before.clusters.map(({ name, state }) => [name, state]))
  for (const topic of after.topics) {
    for (const part of ['cluster', 'standby'] as const) {
      const at = topic[part]
      if (at !== null && at !== old.get(topicKey(topic))?.[part])
        expect([topic.name, part, state.get(at)]).toEqual([topic.name, part, 'active'])
    }
  }
}

describe('placement', () => {
  it('answers for the topics asked about, in their order, and for no other', () => {
    fc.assert(
      fc.property(randomFleet, (fleet) => {
        const asked = unplaced(fleet).toReversed()
        expect(planTopics(fleet, asked).map(({ topic }) => topicKey(topic))).toEqual(asked.map(topicKey))
      }),
      RUNS,
    )
  })

  it('of one topic says the same alone and as a plan of one, and something about every cluster', () => {
    fc.assert(
      fc.property(randomFleet, (fleet) => {
        const [topic] = fleet.topics
        if (topic === undefined) return
        const { considered, ...alone } = placeTopic(fleet, topic)
        expect(planTopics(fleet, [topic])).toEqual([alone])
        expect(considered.map(({ cluster }) => cluster)).toEqual(
          fleet.clusters.map(({ name }) => name).sort(),
        )
        const chosen = considered.filter(({ verdict }) => verdict === 'chosen').map(({ cluster }) => cluster)
        expect(chosen).toEqual(alone.kind === 'placed' ? [alone.cluster] : [])
        if (alone.kind === 'refused')
          expect(considered.every(({ verdict }) => verdict === 'refused')).toBe(true)
        for (const { reason } of considered) expect(reason).not.toBe('')
      }),
      RUNS,
    )
  })
})

describe('a new cluster', () => {
  const fresh: PlannedCluster = {
    name: 'a-new-one',
    tier: 'shared',
    dedicatedTo: null,
    labels: { region: 'eu' },
    brokers: 6,
    capacity: { bytesInPerSecond: null, bytesOutPerSecond: null, partitions: null },
    state: 'active',
    otherPartitions: 0,
  }

  it('changes nothing about a fleet that is in order', () => {
    fc.assert(
      fc.property(randomFleet.map(settled), (fleet) => {
        const lost = new Set(
          fleet.clusters.filter(({ state }) => state === 'unavailable').map(({ name }) => name),
        )
        const inOrder = ({ cluster, standby }: (typeof fleet.topics)[number]) =>
          cluster !== null && !(standby !== null && lost.has(standby))
        const placed = { ...fleet, topics: fleet.topics.filter(inOrder) }
        const grown = { ...placed, clusters: [fresh, ...placed.clusters] }
        expect(planFleetPlacement(grown)).toEqual([])
        expect(planStandbys(grown)).toEqual({ changes: [], impossible: [] })
        expect(planStubs(grown)).toEqual({ changes: [], impossible: [] })
        expect(brokenRules(grown)).toEqual([])
      }),
      RUNS,
    )
  })
})

describe('a cluster that was given up', () => {
  it('stands by for nobody, unless no other can', () => {
    fc.assert(
      fc.property(randomFleet.map(settled), (fleet) => {
        const clusters = fleet.clusters.map((each, i) =>
          i === 0 ? { ...each, state: 'unavailable' as const } : each,
        )
        const { changes, impossible } = planStandbys({ ...fleet, clusters })
        const lost = clusters[0]!.name
        for (const { to } of changes) expect(to).not.toBe(lost)
        const moved = new Set([...changes, ...impossible].map(({ topic }) => topicKey(topic)))
        for (const topic of fleet.topics)
          if (topic.standby === lost && topic.cluster !== null) expect(moved).toContain(topicKey(topic))
      }),
      RUNS,
    )
  })
})

describe('a drain that was carried out', () => {
  it('leaves nothing that could move, and has a reason for everything that stays', () => {
    fc.assert(
      fc.property(randomFleet.map(settled), (fleet) => {
        const plan = planDrain(fleet, 'c0')
        const next = withDrain(fleet, plan)
        const again = planDrain(next, 'c0')
        expect(again.moves).toEqual([])
        expect(again.standbys).toEqual([])
        const stays = (kind: string) =>
          again.obstacles
            .flatMap(({ kind: each, what }) => (each === kind && 'name' in what ? [what.name] : []))
            .sort()
        expect(stays('topic')).toEqual(
          next.topics
            .filter(({ cluster }) => cluster === 'c0')
            .map(({ name }) => name)
            .sort(),
        )
        expect(stays('standby')).toEqual(
          next.topics
            .filter(({ standby }) => standby === 'c0')
            .map(({ name }) => name)
            .sort(),
        )
      }),
      RUNS,
    )
  })
})

describe('rebalances, one after the other', () => {
  it('leave nothing for the next in a fleet that is in order, when they were not cut short', () => {
    fc.assert(
      fc.property(randomFleet.map(settled), (fleet) => {
        const { moves, cutShort } = planRebalance(fleet, { maxMoves: 1_000, threshold: 0.1 })
        expect(cutShort).toBe(false)
        const next = planRebalance(withMoves(fleet, moves), { maxMoves: 1_000, threshold: 0.1 })
        expect(next.moves).toEqual([])
      }),
      RUNS,
    )
  })

  describe.each([
    ['any fleet', randomFleet],
    ['a settled fleet', randomFleet.map(settled)],
  ])('on %s', (_, fleets) => {
    it('come to an end, however few moves each may have, and one by one take nothing back', () => {
      fc.assert(
        fc.property(fleets, fc.constantFrom(1, 3, 20), (fleet, maxMoves) => {
          let next = fleet
          let lastLeft = new Set<string>()
          for (let round = 0; round < 200; round++) {
            const { moves, cutShort } = planRebalance(next, { maxMoves, threshold: 0.1 })
            expect(moves.length).toBeLessThanOrEqual(maxMoves)
            expect(cutShort && moves.length < maxMoves).toBe(false)
            for (const { from, to } of moves) expect(to).not.toBe(from)
            if (maxMoves === 1) {
              expect(moves.filter(({ topic, to }) => lastLeft.has(`${topicKey(topic)} ${to}`))).toEqual([])
            }
            if (moves.length === 0) return
            lastLeft = new Set(moves.map(({ topic, from }) => `${topicKey(topic)} ${from}`))
            next = withMoves(next, moves)
          }
          expect.unreachable('it goes on for ever')
        }),
        RUNS,
      )
    })
  })

  it('leave the fullest cluster of each pool less full, and move nothing within the threshold', () => {
    fc.assert(
      fc.property(randomFleet.map(settled), fc.constantFrom(0.05, 0.3, 1), (fleet, threshold) => {
        const { pools, moves } = planRebalance(fleet, { maxMoves: 20, threshold })
        for (const { before, after } of pools)
          expect(after.fullest.share).toBeLessThanOrEqual(before.fullest.share)
        const uneven = pools.some(({ before }) => before.fullest.share - before.emptiest.share > threshold)
        if (!uneven) expect(moves).toEqual([])
      }),
      RUNS,
    )
  })
})

it.each([
  ['standbys', (fleet: FleetSnapshot) => planStandbys(fleet).changes, plans.standbys!],
  ['stubs', (fleet: FleetSnapshot) => planStubs(fleet).changes, plans.stubs!],
])('%s are right once they have been planned', (_, changes, plan) => {
  fc.assert(
    fc.property(randomFleet, (fleet) => {
      expect(changes(plan(fleet))).toEqual([])
    }),
    RUNS,
  )
})

it('no replica is proposed twice for topics that have their place', () => {
  fc.assert(
    fc.property(randomFleet, (fleet) => {
      const placed = { ...fleet, topics: fleet.topics.filter(({ cluster }) => cluster !== null) }
      expect(proposeReadReplicas(withReplicas(placed, proposeReadReplicas(placed))).flows).toEqual([])
    }),
    RUNS,
  )
})
