// For tests: a plan as text, so that what is expected can be read.
import type { FleetPlan, PlannedChange } from '@braid/control-api'

const signs = { create: '+', update: '~', delete: '-', move: '>' } as const

export function renderPlan({ basedOn, changes, moves, obstacles, unnamed }: FleetPlan): string {
  const lines = [
    `based on ${basedOn}`,
    ...(changes.length === 0
      ? ['nothing changes']
      : changes.flatMap((change) => renderChange(change, moves))),
    ...(obstacles.length === 0 ? [] : ['obstacles']),
    ...obstacles.map(({ what, reason }) => `  ${what}: ${reason}`),
    ...(unnamed.length === 0 ? [] : [`not in the file: ${unnamed.join(', ')}`]),
  ]
  return `${lines.join('\n')}\n`
}

function renderChange(
  { action, kind, name, diff, placement, risks }: PlannedChange,
  moves: FleetPlan['moves'],
): string[] {
  const move =
    action === 'move' ? moves.find(({ tenant, topic }) => `${tenant}/${topic}` === name) : undefined
  return [
    `${signs[action]} ${kind} ${name}`,
    ...diff.map(({ path, before, after }) =>
      action === 'create'
        ? `    ${path}: ${JSON.stringify(after)}`
        : `    ${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`,
    ),
    ...(move === undefined ? [] : [`    because ${move.reason}`]),
    ...(placement?.reasons ?? []).map((reason) => `    placed: ${reason}`),
    ...risks.map((risk) => `    risk: ${risk}`),
  ]
}
