import type { Operation, OperationMove } from '@braid/control-api'
import { topicTitle } from './move-plan.ts'
import type { Look } from './print.ts'
import { counted } from './quantity.ts'
import { table } from './table.ts'

const total = ({ waiting, moving, moved, failed, skipped }: Operation['counts']): number =>
  waiting + moving + moved + failed + skipped

/** While it runs, none may only mean that its moves are not planned yet. */
export function countsText(counts: Operation['counts'], state?: Operation['state']): string {
  const { moving, failed, skipped } = counts
  if (total(counts) === 0) return state === 'running' ? 'no moves yet' : 'nothing to move'
  return [
    `${counts.moved} of ${total(counts)} moved`,
    `${moving} moving now`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ')
}

const barWidth = 20

export function progressBar(counts: Operation['counts']): string {
  const all = total(counts)
  const filled = all === 0 ? barWidth : Math.floor((barWidth * (counts.moved + counts.skipped)) / all)
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`
}

export function operationText(operation: Operation): string {
  const { id, title, state, step, counts, error, concurrency, by, createdAt, endedAt } = operation
  const lines = [
    `operation ${id}: ${title}, ${state}${state === 'running' ? ` (step ${step})` : ''}`,
    `${countsText(counts, state)}; ${counted(concurrency, 'topic')} at once at most`,
    `started ${createdAt} by ${by}${endedAt === null ? '' : `, ended ${endedAt}`}`,
  ]
  if (error !== null) lines.push(`error: ${error.detail}`)
  if (counts.failed > 0)
    lines.push(`see what failed: braid operation moves ${id}; try again: braid operation retry ${id}`)
  return lines.map((line) => `${line}\n`).join('')
}

export const operationsText = (all: readonly Operation[], look: Look): string =>
  all.length === 0
    ? 'no operations yet: `braid cluster drain`, `braid rebalance` and `braid apply` make them\n'
    : table(
        [
          { head: 'OPERATION', cell: ({ id }) => id },
          { head: 'WHAT', cell: ({ title }) => title },
          { head: 'STATE', cell: ({ state }) => state },
          { head: 'MOVED', cell: ({ counts }) => `${counts.moved} of ${total(counts)}`, align: 'right' },
          { head: 'MOVING', cell: ({ counts }) => String(counts.moving), align: 'right' },
          { head: 'FAILED', cell: ({ counts }) => String(counts.failed), align: 'right' },
          { head: 'BY', cell: ({ by }) => by },
          { head: 'STARTED', cell: ({ createdAt }) => createdAt },
        ],
        all,
        look,
      )

export const operationMovesText = (all: readonly OperationMove[], look: Look): string =>
  all.length === 0
    ? 'no moves\n'
    : table(
        [
          { head: 'TOPIC', cell: topicTitle },
          { head: 'FROM', cell: ({ from }) => from },
          { head: 'TO', cell: ({ to }) => to },
          { head: 'STATE', cell: ({ state }) => state },
          { head: 'MIGRATION', cell: ({ migration }) => migration ?? '-' },
          { head: 'REASON', cell: ({ reason, error }) => error ?? reason },
        ],
        all,
        look,
      )
