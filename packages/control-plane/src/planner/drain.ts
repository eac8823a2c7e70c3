import { choose } from './choose.ts'
import type { Demand } from './demand.ts'
import type { FleetSnapshot, TopicName } from './fleet.ts'
import { Ledger, stubAfter } from './ledger.ts'
import { type Move, moveOf } from './move.ts'
import { largestFirst, whyThis } from './placement.ts'
import { refuse } from './refuse.ts'
import { planStandby, type StandbyChange } from './standbys.ts'
import { count } from './words.ts'

/** What stays on the cluster, and what has to be done about it. */
export interface Obstacle {
  readonly kind: 'topic' | 'standby' | 'home' | 'standby-home' | 'replica'
  /** The topic, or the tenant. */
  readonly what: TopicName | { readonly tenant: string }
  readonly reason: string
}

export interface DrainPlan {
  readonly cluster: string
  /** The largest first: what is hard to place finds the most room. */
  readonly moves: readonly Move[]
  /** Standbys that are there, for topics that are elsewhere. */
  readonly standbys: readonly StandbyChange[]
  readonly obstacles: readonly Obstacle[]
}

/**
 * What empties a cluster, whatever state it is in: everything that may move, each to the place that placement
 * would choose. The cluster is taken to be draining, so nothing is planned onto it. Throws a RangeError when
 * the snapshot has no such cluster.
 */
export function planDrain(snapshot: FleetSnapshot, cluster: string): DrainPlan {
  const found = snapshot.clusters.find(({ name }) => name === cluster)
  if (found === undefined) throw new RangeError(`there is no cluster ${cluster} in the snapshot`)
  const reachable = found.state !== 'unavailable'
  const ledger = new Ledger({
    ...snapshot,
    clusters: snapshot.clusters.map((each) =>
      each === found && reachable ? { ...each, state: 'draining' } : each,
    ),
  })
  const moves: Move[] = []
  const standbys: StandbyChange[] = []
  const obstacles: Obstacle[] = []

  const here = [...(ledger.site(cluster)?.active ?? [])].sort(largestFirst)
  for (const demand of here) {
    const outcome = reachable ? moveAway(ledger, demand, cluster) : unreachable
    if ('stays' in outcome) {
      obstacles.push({ kind: 'topic', what: nameOf(demand), reason: outcome.stays })
    } else moves.push(outcome)
  }
  for (const demand of [...ledger.topics()]) {
    if (ledger.where(demand).standby !== cluster) continue
    const outcome = planStandby(ledger, demand, { avoid: cluster })
    if (outcome.kind === 'change') {
      standbys.push({ ...outcome.change, reason: `${cluster} is drained: ${outcome.change.reason}` })
    } else if (outcome.kind === 'impossible') {
      obstacles.push({ kind: 'standby', what: nameOf(demand), reason: outcome.impossible.reason })
    } else {
      const reason = demand.problem ?? 'the topic has no cluster: place it first'
      obstacles.push({ kind: 'standby', what: nameOf(demand), reason })
    }
  }
  return { cluster, moves, standbys, obstacles: [...obstacles, ...standingObstacles(snapshot, cluster)] }
}

const unreachable = { stays: 'the cluster is unavailable: what is there cannot be sealed, only failed over' }

function moveAway(ledger: Ledger, demand: Demand, from: string): Move | { stays: string } {
  const { topic } = demand
  if (!topic.movable.ok) return { stays: topic.movable.reason }
  if (topic.pinnedTo === from) return { stays: 'the topic is pinned to this cluster: unpin it' }
  if (topic.transactional && demand.home === from) {
    return {
      stays: `a transactional topic stays on the home of its tenant ${topic.tenant}, which cannot be moved yet`,
    }
  }
  const before = ledger.take(demand.key)
  const choice = choose(ledger, demand, { standbyNow: before.standby })
  if (choice === undefined) {
    const { reason, help } = refuse(ledger, demand)
    ledger.put(demand, before)
    return { stays: `${reason}; ${help}` }
  }
  const { site, standby } = choice
  const after = { cluster: site.name, standby: standby?.name ?? null, stub: stubAfter(demand, site.name) }
  const reason = `${from} is drained: ${whyThis(demand, choice)}`
  ledger.put(demand, after)
  return moveOf(demand, before, after, reason)
}

/** What no move of topics empties. */
function standingObstacles(snapshot: FleetSnapshot, cluster: string): Obstacle[] {
  const stubs = Map.groupBy(
    snapshot.topics.filter(({ stub }) => stub === cluster),
    ({ tenant }) => tenant,
  )
  const tenants = snapshot.tenants.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return [
    ...tenants
      .filter(({ home }) => home === cluster)
      .map(({ name }): Obstacle => {
        const stubsHere = stubs.get(name)?.length ?? 0
        return {
          kind: 'home',
          what: { tenant: name },
          reason: `its groups and transactions${stubsHere > 0 ? `, and ${count(stubsHere, 'stub')},` : ''} are here, and a home cannot be moved yet`,
        }
      }),
    ...tenants
      .filter(({ standbyHome }) => standbyHome === cluster)
      .map(
        ({ name }): Obstacle => ({
          kind: 'standby-home',
          what: { tenant: name },
          reason: `copies of its commits are here: give tenant ${name} another standby home`,
        }),
      ),
    ...snapshot.replicas
      .filter((replica) => replica.cluster === cluster)
      .toSorted((a, b) => (`${a.tenant}/${a.topic}` < `${b.tenant}/${b.topic}` ? -1 : 1))
      .map(
        ({ tenant, topic, readers }): Obstacle => ({
          kind: 'replica',
          what: { tenant, name: topic },
          reason: `${count(readers, 'reader')} read its replica here: end the flow, or feed another replica`,
        }),
      ),
  ]
}

const nameOf = ({ topic: { tenant, name } }: Demand): TopicName => ({ tenant, name })
