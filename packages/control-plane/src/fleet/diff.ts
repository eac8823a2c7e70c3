// Desired against actual: a pure function of the world and a file. What it returns is what apply carries out.
import type { Fleet, PlannedMove } from '@braid/control-api'
import { type Placement, planTopics, topicKey, withPlacements } from '../planner/index.ts'
import { changesOf, type FleetChanges } from './changes.ts'
import {
  clusterObstacles,
  notMovable,
  slaObstacles,
  standbyObstacles,
  tenantObstacles,
  topicObstacles,
} from './impossible.ts'
import { newlyMisplaced } from './misplaced.ts'
import { brokenReferences, type Obstacle } from './references.ts'
import { worldRevision } from './revision.ts'
import { type Risks, risksOf } from './risks.ts'
import { plannedTopic, snapshotAfter } from './snapshot-after.ts'
import type { Reached, World } from './world.ts'

export interface FleetDiff {
  readonly basedOn: string
  readonly changes: FleetChanges
  /** By topicKey: where new topics go. One that has no place is an obstacle. */
  readonly placements: ReadonlyMap<string, Extract<Placement, { kind: 'placed' }>>
  readonly moves: readonly PlannedMove[]
  readonly risks: Risks
  readonly obstacles: readonly Obstacle[]
}

export interface DiffOptions {
  /** Also removes what the file does not name. */
  readonly prune: boolean
  /** What clusters answered that are new, or at new addresses. Others need not be in it. */
  readonly reached: ReadonlyMap<string, Reached>
}

export function diffFleet(world: World, file: Fleet, { prune, reached }: DiffOptions): FleetDiff {
  const changes = changesOf(world, file, { prune })
  const said = [
    ...brokenReferences(changes),
    ...clusterObstacles(world, changes, reached),
    ...slaObstacles(changes),
    ...tenantObstacles(changes),
    ...topicObstacles(changes),
  ]
  const after = snapshotAfter(world.snapshot, changes, reached)
  const known = knownTopics(changes)
  const misplaced = Array.from(newlyMisplaced(world.snapshot, after), ([key, reason]) => ({
    key,
    reason,
  })).filter(({ key }) => known.has(key))
  const byKey = new Map(after.topics.map((topic) => [topicKey(topic), topic]))
  const created = changes.topic.create
    .filter((topic) => known.has(topicKey(topic)))
    .map((topic) => plannedTopic(topic, undefined))
  const stuck = misplaced.flatMap(({ key, reason }) => notMovable(byKey.get(key)!, reason))
  const movable = misplaced.filter(({ key }) => byKey.get(key)!.movable.ok)
  const asked = [...created, ...movable.map(({ key }) => byKey.get(key)!)]
  const answers = planTopics(after, asked)
  const planned = withPlacements(after, asked, answers)

  const why = new Map(movable.map(({ key, reason }) => [key, reason]))
  const placements: [string, Extract<Placement, { kind: 'placed' }>][] = []
  const moves: PlannedMove[] = []
  const homeless: Obstacle[] = []
  for (const answer of answers) {
    const key = topicKey(answer.topic)
    const reason = why.get(key)
    if (answer.kind === 'refused') {
      const because = [reason, answer.reason, answer.help].filter((part) => part !== undefined).join('; ')
      homeless.push({ what: `topic ${key}`, reason: because })
    } else if (reason === undefined) placements.push([key, answer])
    else {
      const { tenant, name: topic } = answer.topic
      const from = byKey.get(key)!.cluster!
      moves.push({ tenant, topic, from, to: answer.cluster, reason: `${reason}; ${answer.reasons[0]}` })
    }
  }
  return {
    basedOn: worldRevision(world),
    changes,
    placements: new Map(placements),
    moves,
    risks: risksOf(world, changes, planned),
    obstacles: [...said, ...stuck, ...homeless, ...standbyObstacles(world.snapshot, planned)],
  }
}

/** Those about which the planner can say something: the others have an obstacle of their own. */
function knownTopics({ topic, tenant, sla, cluster }: FleetChanges): ReadonlySet<string> {
  const known = new Set<string>()
  for (const [key, each] of topic.all) {
    const named = tenant.all.get(each.tenant)
    if (named === undefined || !cluster.all.has(named.home)) continue
    if (each.sla !== null && !sla.all.has(each.sla)) continue
    if (each.cluster !== null && !cluster.all.has(each.cluster)) continue
    known.add(key)
  }
  return known
}
