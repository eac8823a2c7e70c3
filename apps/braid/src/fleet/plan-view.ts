import {
  type FleetPlan,
  formatBytesPerSecond,
  formatDurationMs,
  type PlannedChange,
} from '@braid/control-api'
import { topicTitle } from '../output/move-plan.ts'
import type { Colour, Look } from '../output/print.ts'
import { counted } from '../output/quantity.ts'

const signs: Readonly<Record<PlannedChange['action'], readonly [string, Colour]>> = {
  create: ['+', 'green'],
  update: ['~', 'yellow'],
  delete: ['-', 'red'],
  move: ['>', 'cyan'],
}

const kinds: Readonly<Record<PlannedChange['kind'], string>> = {
  cluster: 'cluster',
  sla: 'SLA class',
  tenant: 'tenant',
  topic: 'topic',
}

export const hasChanges = ({ changes, moves }: FleetPlan): boolean => changes.length > 0 || moves.length > 0

/** A plan as a diff, then what it moves, what could hurt, what stands in the way, and what it leaves alone. */
export function planText(plan: FleetPlan, look: Look): string {
  const { paint } = look
  const parts: string[] = []
  if (plan.changes.length > 0) parts.push(plan.changes.map((change) => changeText(change, look)).join(''))
  const moved = new Set(plan.changes.filter(({ action }) => action === 'move').map(({ name }) => name))
  const others = plan.moves.filter(({ tenant, topic }) => !moved.has(`${tenant}/${topic}`))
  if (others.length > 0) {
    const lines = others.map(
      (move) =>
        `${paint('cyan', '>')} topic ${topicTitle(move)}: ${move.from} -> ${move.to}\n      ${move.reason}\n`,
    )
    parts.push(lines.join(''))
  }
  const risks = plan.changes.flatMap(({ kind, name, risks }) =>
    risks.map((risk) => `${kinds[kind]} ${titleOf(kind, name)}: ${risk}`),
  )
  parts.push(...block(paint('red', 'Risks'), risks))
  parts.push(
    ...block(
      paint('yellow', 'In the way'),
      plan.obstacles.map(({ what, reason }) => `${what}: ${reason}`),
    ),
  )
  parts.push(...block('Not named in the file, and left alone', plan.unnamed))
  parts.push(`${summary(plan)}\n`)
  return parts.join('\n')
}

const block = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:\n${lines.map((line) => `  ${line}\n`).join('')}`]

const titleOf = (kind: PlannedChange['kind'], name: string): string =>
  kind === 'topic' ? name.replace(/^default\//, '') : name

function changeText({ action, kind, name, diff, placement }: PlannedChange, { paint }: Look): string {
  const [sign, colour] = signs[action]
  const lines = [`${paint(colour, sign)} ${kinds[kind]} ${titleOf(kind, name)}`]
  for (const { path, before, after } of diff)
    lines.push(`      ${path}: ${changed(action, path, before, after)}`)
  if (placement !== null) {
    const standby = placement.standby === null ? '' : `, standby on ${placement.standby}`
    lines.push(
      `      on ${placement.cluster}${standby}`,
      ...placement.reasons.map((reason) => `        ${reason}`),
    )
  }
  return lines.map((line) => `${line}\n`).join('')
}

function changed(action: PlannedChange['action'], path: string, before: unknown, after: unknown): string {
  if (action === 'create') return valueText(path, after)
  if (action === 'delete') return valueText(path, before)
  return `${valueText(path, before)} -> ${valueText(path, after)}`
}

/** As the file would have it. */
function valueText(path: string, value: unknown): string {
  if (value === undefined || value === null) return '-'
  if (typeof value === 'number' && /bytes(In|Out)PerSecond(Max)?$/.test(path))
    return String(formatBytesPerSecond(value))
  if (typeof value === 'number' && /Ms$/.test(path)) return String(formatDurationMs(value))
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export function summary(plan: FleetPlan): string {
  if (!hasChanges(plan)) return 'No changes: the fleet is as the file says.'
  const count = (action: PlannedChange['action']): number =>
    plan.changes.filter((change) => change.action === action).length
  const moves = Math.max(plan.moves.length, count('move'))
  const obstacles =
    plan.obstacles.length === 0 ? '' : ` It cannot be applied: ${counted(plan.obstacles.length, 'obstacle')}.`
  return (
    `Plan: ${count('create')} to create, ${count('update')} to change, ${count('delete')} to delete, ` +
    `${counted(moves, 'topic')} to move.${obstacles} Based on revision ${plan.basedOn}.`
  )
}
