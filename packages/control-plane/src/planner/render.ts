// Plans as people read them, before they are run.
import type { BrokenRule } from './broken-rules.ts'
import type { DrainPlan, Obstacle } from './drain.ts'
import type { TopicName } from './fleet.ts'
import type { Impossible } from './mend.ts'
import type { Move } from './move.ts'
import type { ExplainedPlacement, Placement } from './placement.ts'
import type { ReplicaProposals } from './read-replicas.ts'
import type { RebalancePlan } from './rebalance.ts'
import type { StandbyPlan } from './standbys.ts'
import type { StubPlan } from './stubs.ts'
import { bytesPerSecond, count, percent, points } from './words.ts'

export function renderPlacement(placement: Placement | ExplainedPlacement): string {
  const head =
    placement.kind === 'placed'
      ? [`topic ${nameOf(placement.topic)} goes to ${placement.cluster}`, ...placement.reasons.map(indent)]
      : [
          `topic ${nameOf(placement.topic)} has no place`,
          indent(placement.reason),
          indent(`what would help: ${placement.help}`),
        ]
  const considered =
    'considered' in placement
      ? [
          'considered',
          ...table(placement.considered.map(({ cluster, verdict, reason }) => [cluster, verdict, reason])),
        ]
      : []
  return text([...head, ...considered])
}

export function renderPlacements(placements: readonly Placement[]): string {
  return placements.length === 0
    ? text(['nothing is to be placed'])
    : placements.map(renderPlacement).join('')
}

export function renderDrain({ cluster, moves, standbys, obstacles }: DrainPlan): string {
  const nothing = moves.length + standbys.length + obstacles.length === 0
  return text([
    nothing ? `${cluster} is empty: nothing to drain` : `drain ${cluster}: ${count(moves.length, 'move')}`,
    ...moves.flatMap(renderMove),
    ...renderStandbyChanges({ changes: standbys, impossible: [] }),
    ...(obstacles.length === 0 ? [] : ['stays there']),
    ...table(obstacles.map((obstacle) => [obstacleInWords(obstacle), obstacle.reason])),
  ])
}

export function renderRebalance({ options, pools, moves, cutShort }: RebalancePlan): string {
  const even = `within ${points(options.threshold)}`
  return text([
    moves.length === 0 ? 'rebalance: nothing to do' : `rebalance: ${count(moves.length, 'move')}`,
    ...pools.flatMap(({ name, before, after }) => [
      indent(
        `${name}: fullest ${at(before.fullest)}, emptiest ${at(before.emptiest)}${moves.length > 0 ? `; then ${at(after.fullest)} and ${at(after.emptiest)}` : ''}${spread(after) <= options.threshold ? `: ${even}` : ''}`,
      ),
    ]),
    ...moves.flatMap(renderMove),
    ...(cutShort ? [`stopped at ${count(options.maxMoves, 'move')}: plan again when they are done`] : []),
  ])
}

type Pools = RebalancePlan['pools'][number]['before']
const at = ({ cluster, share }: Pools['fullest']): string => `${cluster} ${percent(share)}`
const spread = ({ fullest, emptiest }: Pools): number => fullest.share - emptiest.share

export function renderStandbys(plan: StandbyPlan): string {
  const nothing = plan.changes.length + plan.impossible.length === 0
  return text(nothing ? ['standbys: nothing to do'] : renderStandbyChanges(plan))
}

export function renderStubs({ changes, impossible }: StubPlan): string {
  if (changes.length + impossible.length === 0) return text(['stubs: nothing to do'])
  return text([
    ...(changes.length > 0 ? [`stubs: ${count(changes.length, 'change')}`] : []),
    ...changes.flatMap(({ topic, kind, from, to, partitions, reason }) => [
      indent(
        `${nameOf(topic)}  ${kind === 'missing' ? 'on' : `from ${from} to`} ${to}, ${count(partitions, 'partition')}`,
      ),
      indent(indent(reason)),
    ]),
    ...renderImpossible('stubs', impossible),
  ])
}

export function renderReplicas({ flows, impossible }: ReplicaProposals): string {
  if (flows.length + impossible.length === 0) return text(['read replicas: none needed'])
  return text([
    ...(flows.length > 0 ? [`read replicas: ${count(flows.length, 'flow')} proposed`] : []),
    ...flows.flatMap(({ from, to, topics, bytesInPerSecond }) => [
      indent(`flow from ${from} to ${to}, ${bytesPerSecond(bytesInPerSecond)}`),
      ...topics.flatMap(({ topic, readers, reason }) => [
        indent(indent(`${nameOf(topic)}, ${count(readers, 'reader')} would read there`)),
        indent(indent(indent(reason))),
      ]),
    ]),
    ...renderImpossible('read replicas', impossible),
  ])
}

export function renderBrokenRules(broken: readonly BrokenRule[]): string {
  if (broken.length === 0) return text(['no rule is broken'])
  return text([
    count(broken.length, 'broken rule'),
    ...table(
      broken.map(({ topic, role, cluster, rule, reason }) => [nameOf(topic), role, cluster, rule, reason]),
    ),
  ])
}

function renderMove({ topic, from, to, standby, stub, reason }: Move): string[] {
  return [
    indent(`${nameOf(topic)}  ${from} -> ${to}`),
    indent(indent(reason)),
    ...(standby.before === standby.after
      ? []
      : [indent(indent(`standby ${standby.before ?? 'none'} -> ${standby.after ?? 'none'}`))]),
    ...(stub.before === stub.after
      ? []
      : [
          indent(
            indent(
              stub.after === from ? `its home topic stays on ${from} as the stub` : `stub on ${stub.after}`,
            ),
          ),
        ]),
  ]
}

function renderStandbyChanges({ changes, impossible }: StandbyPlan): string[] {
  return [
    ...(changes.length > 0 ? [`standbys: ${count(changes.length, 'change')}`] : []),
    ...changes.flatMap(({ topic, kind, from, to, reason }) => [
      indent(`${nameOf(topic)}  ${from ?? 'none'} -> ${to ?? 'none'} (${kind})`),
      indent(indent(reason)),
    ]),
    ...renderImpossible('standbys', impossible),
  ]
}

function renderImpossible(what: string, impossible: readonly Impossible[]): string[] {
  if (impossible.length === 0) return []
  return [
    `${what}: impossible`,
    ...impossible.flatMap(({ topic, reason }) => [indent(nameOf(topic)), indent(indent(reason))]),
  ]
}

function obstacleInWords({ kind, what }: Obstacle): string {
  return 'name' in what ? `${kind} ${nameOf(what)}` : `${kind} of tenant ${what.tenant}`
}

const nameOf = ({ tenant, name }: TopicName): string => `${tenant}/${name}`
const indent = (line: string): string => `  ${line}`
const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`

/** Columns as wide as their widest cell; the last as it is. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    indent(row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ')),
  )
}
