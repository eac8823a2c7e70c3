import type { TopicRequest } from '@braid/control-api'
import { placementText } from './placement.ts'
import type { Look } from './print.ts'
import { counted, rate } from './quantity.ts'
import { table } from './table.ts'

export const requestsText = (all: readonly TopicRequest[], look: Look): string =>
  all.length === 0
    ? 'no requests yet: `braid request topic NAME --why TEXT`\n'
    : table(
        [
          { head: 'REQUEST', cell: ({ id }) => id },
          { head: 'TENANT', cell: ({ tenant }) => tenant },
          { head: 'TOPIC', cell: ({ topic }) => topic.name },
          { head: 'STATE', cell: ({ state }) => state },
          { head: 'BY', cell: ({ by }) => by },
          { head: 'ASKED', cell: ({ createdAt }) => createdAt },
          { head: 'WAITS FOR', cell: ({ waitsFor }) => waitsFor.join('; ') || '-' },
        ],
        all,
        look,
      )

export function requestText(request: TopicRequest, look: Look): string {
  const { id, tenant, topic, state, why, by, waitsFor, approvers, decision, placement, error } = request
  const { expected } = topic
  const lines = [
    `request ${id}: topic ${topic.name} of tenant ${tenant}, ${state}`,
    `${counted(topic.partitions, 'partition')}, SLA class ${topic.sla ?? '-'}, ${rate(expected.bytesInPerSecond)} in, ${counted(expected.readers, 'reader')}`,
    `asked by ${by}: ${why}`,
    ...waitsFor.map((reason) => `waits for an approver: ${reason}`),
  ]
  if (state === 'waiting') lines.push(`who can decide: ${approvers.join(', ') || 'operators'}`)
  if (decision !== null)
    lines.push(`decided by ${decision.by}${decision.reason === null ? '' : `: ${decision.reason}`}`)
  if (error !== null) lines.push(`error: ${error.detail}`)
  const text = lines.map((line) => `${line}\n`).join('')
  return placement === null ? text : `${text}\n${placementText(placement, look)}`
}
