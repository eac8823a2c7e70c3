import type { Failover, FailoverKind, FailoverTopic } from '@braid/control-api'
import { duration } from './duration.ts'
import { topicTitle } from './move-plan.ts'
import type { Look } from './print.ts'
import { counted } from './quantity.ts'
import { type Column, table } from './table.ts'

export type FailoverStep = Failover['step']

/** What each of the two goes through, in order. */
export const stepsOf: Readonly<Record<FailoverKind, readonly FailoverStep[]>> = {
  failover: ['CHECK', 'FENCE', 'SWITCH', 'END'],
  return: ['CHECK', 'SEAL', 'ANNOUNCE', 'AWAIT', 'RECOVER', 'END'],
}

/** What a person may wonder about while a step takes long. */
const whatItDoes: Readonly<Record<FailoverStep, string>> = {
  CHECK: 'asks who can be reached, and what is known of the ends',
  FENCE: 'waits until every lease is told, or has run out',
  SWITCH: 'stores where each topic goes on, and publishes it',
  SEAL: 'seals what was lost, and reads where it ends',
  ANNOUNCE: 'publishes that it is back, and its ends',
  AWAIT: 'waits until no batch of before is under way',
  RECOVER: 'finds what stands twice, and copies what was passed over',
  END: 'makes it an ordinary part of the chains',
}

export function doesWhat(kind: FailoverKind, step: FailoverStep): string {
  if (kind === 'failover' && step === 'END') return 'clients go on already; chooses new standbys'
  if (kind === 'return' && step === 'CHECK') return 'asks whether it is the cluster that was given up'
  return whatItDoes[step]
}

export const failoverTitle = ({ id, kind, cluster }: Failover): string => `${kind} ${id} of ${cluster}`

/** `12 of 15 topics moved, 3 wait, 1 home`; of a return, which moves nothing, `15 lost loglets`. */
export function failoverCounts({ kind, counts }: Failover): string {
  const { topics, moved, waiting, homes } = counts
  if (kind === 'return') return counted(topics, 'lost loglet')
  // They are counted when it switches: until then topics may come and go.
  if (topics === 0 && homes === 0) return 'nothing has moved yet'
  return [
    ...(topics > 0 ? [`${moved} of ${counted(topics, 'topic')} moved`] : []),
    ...(waiting > 0 ? [`${waiting} ${waiting === 1 ? 'waits' : 'wait'}`] : []),
    ...(homes > 0 ? [counted(homes, 'home')] : []),
  ].join(', ')
}

export type FailoverShown = Failover & { readonly topics: readonly FailoverTopic[] }

export function failoverText(shown: FailoverShown, look: Look): string {
  const { topics } = shown
  return `${failoverHead(shown)}${topics.length === 0 ? '' : `\n${failoverTopicsText(topics, look)}`}`
}

export function failoverHead(failover: Failover): string {
  const { id, kind, state, step, by, reason, votes, error, createdAt, endedAt } = failover
  const lines = [
    `${failoverTitle(failover)}: ${state}${state === 'running' || state === 'undoing' ? `, step ${step}` : ''}`,
    failoverCounts(failover),
    `started ${createdAt} by ${by}: ${reason}${endedAt === null ? '' : `; ended ${endedAt}`}`,
    ...timesOf(failover),
    ...votes.map((vote) => `  ${voteText(vote)}`),
  ]
  if (error !== null) lines.push(`error: ${error.detail}`)
  if (state === 'running' && kind === 'failover')
    lines.push(`undo it before SWITCH: braid failover cancel ${id}`)
  return lines.map((line) => `${line}\n`).join('')
}

/** Empty before there is any, and of a return, which makes nobody wait. */
export function timesOf({ kind, decisionToSwitchMs, fenceMs, routeVersion }: Failover): string[] {
  if (kind === 'return' || decisionToSwitchMs === null) return []
  const fenced = fenceMs === null ? '' : `, of it ${duration(fenceMs)} for leases`
  const version = routeVersion === null ? '' : `, route version ${routeVersion}`
  return [`switched ${duration(decisionToSwitchMs)} after it was decided${fenced}${version}`]
}

export const voteText = ({ by, state, forMs, detail }: Failover['votes'][number]): string =>
  `${by} saw it ${state} for ${duration(forMs)}${detail === null ? '' : `: ${detail}`}`

export const failoversText = (all: readonly Failover[], look: Look): string =>
  all.length === 0
    ? 'no cluster was ever given up: see `braid failover status`\n'
    : table(
        [
          { head: 'FAILOVER', cell: ({ id }) => id },
          { head: 'KIND', cell: ({ kind }) => kind },
          { head: 'CLUSTER', cell: ({ cluster }) => cluster },
          { head: 'STATE', cell: ({ state }) => state },
          { head: 'STEP', cell: ({ step }) => step },
          {
            head: 'TOPICS',
            cell: ({ kind, counts }) =>
              kind === 'return' ? String(counts.topics) : `${counts.moved} of ${counts.topics}`,
            align: 'right',
          },
          {
            head: 'SWITCHED IN',
            cell: ({ kind, decisionToSwitchMs: ms }) =>
              kind === 'return' || ms === null ? '-' : duration(ms),
            align: 'right',
          },
          { head: 'BY', cell: ({ by }) => by },
          { head: 'STARTED', cell: ({ createdAt }) => createdAt },
          { head: 'REASON', cell: ({ reason }) => reason },
        ],
        all,
        look,
      )

export const failoverTopicsText = (all: readonly FailoverTopic[], look: Look): string =>
  table(topicColumns(all.some(({ recovered }) => recovered !== null)), all, look)

const topicColumns = (recovering: boolean): readonly Column<FailoverTopic>[] => [
  { head: 'TOPIC', cell: topicTitle },
  { head: 'POLICY', cell: ({ policy }) => policy },
  { head: 'FROM', cell: ({ from }) => from.cluster },
  { head: 'TO', cell: ({ to }) => to?.cluster ?? '- (waits)' },
  { head: 'GOES ON AT', cell: ({ base }) => base ?? '-', align: 'right' },
  ...(recovering ? recoveredColumns : []),
  { head: 'REASON', cell: ({ reason }) => reason },
]

const recoveredColumns: readonly Column<FailoverTopic>[] = [
  { head: 'TAIL', cell: ({ recovered }) => recovered?.tail.toString() ?? '-', align: 'right' },
  { head: 'LEFT OUT', cell: ({ recovered }) => recovered?.leftOut.toString() ?? '-', align: 'right' },
  {
    head: 'COPIED',
    cell: ({ recovered }) => (recovered === null ? '-' : copiedOf(recovered)),
    align: 'right',
  },
]

const copiedOf = ({ copied, toCopy }: NonNullable<FailoverTopic['recovered']>): string =>
  toCopy === 0 ? '-' : `${copied} of ${toCopy}`
