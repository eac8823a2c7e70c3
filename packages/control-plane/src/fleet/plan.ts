// A difference as the API shows it.
import type { FleetPlan, PlannedChange } from '@braid/control-api'
import { topicKey } from '../planner/index.ts'
import type { Changes, Kind } from './changes.ts'
import type { FleetDiff } from './diff.ts'
import { differences, documentOf } from './document.ts'
import { riskKey } from './risks.ts'

/** Changes stand in the order in which they are carried out. */
export function planOf(diff: FleetDiff): FleetPlan {
  const { basedOn, changes, moves, obstacles } = diff
  const { cluster, sla, tenant, topic } = changes
  const named = ({ name }: { name: string }) => name
  const changed = [
    ...shown(diff, 'cluster', cluster, named),
    ...shown(diff, 'sla', sla, named),
    ...shown(diff, 'tenant', tenant, named),
    ...shown(diff, 'topic', topic, topicKey),
  ]
  return {
    basedOn,
    changes: [
      ...changed.filter(({ action }) => action !== 'delete'),
      ...moves.map(
        (move): PlannedChange => ({
          action: 'move',
          kind: 'topic',
          name: `${move.tenant}/${move.topic}`,
          diff: [{ path: 'cluster', before: move.from, after: move.to }],
          placement: null,
          risks: [],
        }),
      ),
      ...changed.filter(({ action }) => action === 'delete').reverse(),
    ],
    moves: [...moves],
    obstacles: [...obstacles],
    unnamed: [
      ...cluster.unnamed.map(({ name }) => `cluster ${name}`),
      ...sla.unnamed.map(({ name }) => `SLA class ${name}`),
      ...tenant.unnamed.map(({ name }) => `tenant ${name}`),
      ...topic.unnamed.map((each) => `topic ${topicKey(each)}`),
    ],
  }
}

/** Whether applying it would do anything. */
export const isEmpty = ({ changes, moves }: Pick<FleetPlan, 'changes' | 'moves'>): boolean =>
  changes.length + moves.length === 0

function shown<T extends object>(
  { placements, risks }: FleetDiff,
  kind: Kind,
  { create, update, remove }: Changes<T>,
  nameOf: (item: T) => string,
): PlannedChange[] {
  const change = (
    action: 'create' | 'update' | 'delete',
    item: T,
    diff: PlannedChange['diff'],
  ): PlannedChange => {
    const name = nameOf(item)
    const placed = kind === 'topic' && action === 'create' ? placements.get(name) : undefined
    return {
      action,
      kind,
      name,
      diff,
      placement: placed === undefined ? null : shownPlacement(placed),
      risks: [...(risks.get(riskKey(kind, name)) ?? [])],
    }
  }
  return [
    ...create.map((item) => {
      const { name: _, tenant: __, ...rest } = documentOf(kind, item)
      return change('create', item, differences({}, rest))
    }),
    ...update.map(({ before, after }) => change('update', after, differences(before, after))),
    ...remove.map((item) => change('delete', item, [])),
  ]
}

type Placed = ReturnType<FleetDiff['placements']['get']> & {}

/** Without what was thought of every cluster for every topic: a dry run of one topic says that. */
const shownPlacement = ({ cluster, standby, stub, reasons }: Placed): PlannedChange['placement'] => ({
  cluster,
  standby,
  stub,
  reasons: [...reasons],
  considered: [],
})
