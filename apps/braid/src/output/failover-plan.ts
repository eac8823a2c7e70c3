import type { FailoverHome, FailoverKind, FailoverPlan, FailoverTopic } from '@braid/control-api'
import { topicTitle } from './move-plan.ts'
import type { Look } from './print.ts'
import { counted } from './quantity.ts'
import { type Column, table } from './table.ts'

/** What giving a cluster up, or taking it back, would do: each topic and home with its reason. */
export function failoverPlanText(
  plan: FailoverPlan,
  kind: FailoverKind,
  look: Look,
  topicsMax = Number.POSITIVE_INFINITY,
): string {
  const { topics, homes, leases, summary } = plan
  const shown = topics.slice(0, topicsMax)
  const parts = [`${summary}\n`]
  if (topics.length > 0)
    parts.push(table(topicColumns[kind], shown, look) + andMore(topics.length - shown.length))
  if (homes.length > 0) parts.push(table(homeColumns[kind], homes, look))
  parts.push(
    leases === 0
      ? 'no process holds a lease\n'
      : `${counted(leases, 'lease')}: who holds one is told first, or waited for until it has run out\n`,
  )
  return parts.join('\n')
}

const andMore = (count: number): string =>
  count > 0 ? `and ${counted(count, 'topic')} more: all of them with --dry-run\n` : ''

/** A topic or a home that goes nowhere waits for the cluster, and its reason says why. */
const target = (cluster: string | undefined | null): string => cluster ?? '- (waits)'

type Columns<Row> = Readonly<Record<FailoverKind, readonly Column<Row>[]>>

/** A return moves no topic: it says where the topic is now, and what becomes of what was lost. */
const topicColumns: Columns<FailoverTopic> = {
  failover: [
    { head: 'TOPIC', cell: topicTitle },
    { head: 'POLICY', cell: ({ policy }) => policy },
    { head: 'TO', cell: ({ to }) => target(to?.cluster) },
    { head: 'REASON', cell: ({ reason }) => reason },
  ],
  return: [
    { head: 'TOPIC', cell: topicTitle },
    { head: 'POLICY', cell: ({ policy }) => policy },
    { head: 'LOST', cell: ({ from }) => from.topic },
    { head: 'IS NOW ON', cell: ({ to }) => to?.cluster ?? '-' },
    { head: 'REASON', cell: ({ reason }) => reason },
  ],
}

/** Nor does it move a home. */
const homeColumns: Columns<FailoverHome> = {
  failover: [
    { head: 'HOME OF', cell: ({ tenant }) => tenant },
    { head: 'FROM', cell: ({ from }) => from },
    { head: 'TO', cell: ({ to }) => target(to) },
    { head: 'REASON', cell: ({ reason }) => reason },
  ],
  return: [
    { head: 'TENANT', cell: ({ tenant }) => tenant },
    { head: 'HOME', cell: ({ from }) => from },
    { head: 'STANDBY HOME', cell: ({ to }) => to ?? '-' },
    { head: 'REASON', cell: ({ reason }) => reason },
  ],
}

/** `12 topics go on elsewhere, 3 wait, 1 home moves`: what is asked about. */
export function whatGoesWhere({ topics, homes }: FailoverPlan): string {
  const going = topics.filter(({ to }) => to !== null).length
  const waiting = topics.length - going
  const moving = homes.filter(({ to }) => to !== null).length
  return [
    `${counted(going, 'topic')} ${going === 1 ? 'goes' : 'go'} on elsewhere`,
    ...(waiting > 0 ? [`${waiting} ${waiting === 1 ? 'waits' : 'wait'}`] : []),
    ...(moving > 0 ? [`${counted(moving, 'home')} ${moving === 1 ? 'moves' : 'move'}`] : []),
  ].join(', ')
}
