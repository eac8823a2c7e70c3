import type { Topic, TopicLoglet } from '@braid/control-api'
import { counted, rate } from './quantity.ts'
import { type Column, table } from './table.ts'

const latestMax = 6

/**
 * A topic's chains for people: which loglet is where, then a row per partition and a column per loglet with
 * the range of offsets that it holds.
 */
export function chains(topic: Topic, show: 'latest' | 'all'): string {
  const hidden = show === 'all' ? 0 : Math.max(0, topic.chain.length - latestMax)
  const loglets = topic.chain.map((loglet, index) => ({ loglet, index })).slice(hidden)
  const older = hidden === 0 ? '' : `(${hidden} older loglets are not shown: --all)\n`

  const places = table(
    [
      { head: 'LOGLET', cell: ({ index }) => String(index), align: 'right' },
      { head: 'CLUSTER', cell: ({ loglet }) => loglet.cluster },
      { head: 'PHYSICAL TOPIC', cell: ({ loglet }) => loglet.topic },
      { head: 'STATE', cell: ({ loglet }) => loglet.state },
    ],
    loglets,
  )
  const columns: Column<number>[] = [
    { head: 'PARTITION', cell: (partition) => String(partition), align: 'right' },
    ...loglets.map(({ loglet, index }) => ({
      head: `${index}: ${loglet.cluster}`,
      cell: (partition: number) => range(topic, loglet, partition),
    })),
  ]
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
  return `${heading(topic)}\n${older}${places}\noffsets by partition and loglet (${legend(topic)})\n${table(columns, partitions)}`
}

/** Only what there is. */
const legend = ({ chain }: Topic): string =>
  chain.some(isOpenLost)
    ? '>: takes appends; ?: lost with its cluster, nobody knows where it ends'
    : '>: takes appends'

const isOpenLost = ({ state, partitions }: TopicLoglet): boolean =>
  state === 'lost' && partitions.some(({ end }) => end === null)

function heading(topic: Topic): string {
  const lines = [
    `topic ${topic.name}: ${topic.partitions} partitions, active on ${topic.cluster}`,
    `groups commit under ${topic.homeTopic} on the home cluster`,
  ]
  const expects = topic.expected.bytesInPerSecond > 0 ? `${rate(topic.expected.bytesInPerSecond)} in, ` : ''
  const place = topic.pinnedTo === null ? '' : `, pinned to ${topic.pinnedTo}`
  lines.push(
    `SLA class ${topic.sla ?? '-'}, expects ${expects}${counted(topic.expected.readers, 'reader')}${place}` +
      (topic.standby === null ? '' : `, standby on ${topic.standby}`),
  )
  if (topic.failover !== 'none') lines.push(`when its cluster is lost: ${policyText[topic.failover]}`)
  for (const [index, loglet] of topic.chain.entries()) lines.push(...awayText(topic, loglet, index))
  const people = [topic.owner && `owner ${topic.owner}`, topic.contact && `contact ${topic.contact}`].filter(
    Boolean,
  )
  if (people.length > 0) lines.push(people.join(', '))
  const configs = Object.entries(topic.configs)
  if (configs.length > 0)
    lines.push(`configs ${configs.map(([name, value]) => `${name}=${value}`).join(' ')}`)
  for (const reason of topic.placement?.reasons ?? []) lines.push(`placed: ${reason}`)
  for (const difference of topic.drift) lines.push(`differs: ${difference}`)
  if (topic.migration !== null) lines.push(`is being moved: braid migration show ${topic.migration}`)
  if (topic.logEnds === null) lines.push(`${topic.cluster} does not tell its log ends now: is it up?`)
  return lines.map((line) => `${line}\n`).join('')
}

/** What clients notice, of the class's word. */
const policyText = {
  none: 'none: its clients wait for it',
  strict: 'strict: producers go on elsewhere, consumers wait for what is lost',
  available: 'available: producers and consumers go on elsewhere, what is passed over comes later',
} as const

function awayText({ name }: Topic, { cluster, topic, state }: TopicLoglet, index: number): string[] {
  if (state === 'returning')
    return [
      `loglet ${index} returns: what ${topic} on ${cluster} has is being recovered: braid failover list`,
    ]
  return state === 'lost'
    ? [
        `loglet ${index} is lost with ${cluster}: braid cluster return ${cluster} when it is back, or braid topic abandon ${name} --loglet ${index}`,
      ]
    : []
}

/** Offsets are inclusive on both sides, as people count records; `>` marks the range that grows. */
function range(topic: Topic, loglet: TopicLoglet, partition: number): string {
  const piece = loglet.partitions[partition]
  if (piece === undefined) return '?'
  const base = BigInt(piece.base)
  if (piece.end !== null) return closed(base, base + BigInt(piece.end) - BigInt(piece.start))
  if (loglet.state === 'lost') return `${base}..?`
  const logEnd = topic.logEnds?.[partition]
  if (logEnd === undefined || BigInt(logEnd) <= base) return `${base} >`
  return `${base}..${BigInt(logEnd) - 1n} >`
}

const closed = (from: bigint, to: bigint): string => (to > from ? `${from}..${to - 1n}` : 'empty')
