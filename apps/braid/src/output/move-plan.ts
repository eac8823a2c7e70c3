import type { MovePlan, PlannedMove } from '@braid/control-api'
import type { Look } from './print.ts'
import { table } from './table.ts'

/** What a drain or rebalance would do: its moves with their reasons, what stands in the way, what would help more. */
export function movePlanText({ moves, obstacles, proposals, summary }: MovePlan, look: Look): string {
  const parts = [`${summary}\n`]
  if (moves.length > 0) parts.push(movesText(moves, look))
  if (obstacles.length > 0) {
    const rows = obstacles.map(({ what, reason }) => `  ${what}: ${reason}\n`).join('')
    parts.push(`${look.paint('yellow', 'In the way')}:\n${rows}`)
  }
  if (proposals.length > 0) parts.push(`Would help more:\n${proposals.map((text) => `  ${text}\n`).join('')}`)
  return parts.join('\n')
}

export const movesText = (moves: readonly PlannedMove[], look: Look): string =>
  table(
    [
      { head: 'TOPIC', cell: topicTitle },
      { head: 'FROM', cell: ({ from }) => from },
      { head: 'TO', cell: ({ to }) => to },
      { head: 'REASON', cell: ({ reason }) => reason },
    ],
    moves,
    look,
  )

/** The default tenant goes without saying. */
export const topicTitle = ({ tenant, topic }: { tenant: string; topic: string }): string =>
  tenant === 'default' ? topic : `${tenant}/${topic}`
