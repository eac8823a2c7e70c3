import type { FinalCommit, StoredRecord } from './contents.ts'
import { Elsewhere } from './elsewhere.ts'
import { type HistoryEvent, UNKNOWN_OFFSET } from './event.ts'
import { Findings } from './findings.ts'
import { GroupJudge, type HomeLoss } from './group-judge.ts'
import type { Verdict } from './verdict.ts'

export interface CheckOptions {
  topic: string
  /** Producers without idempotence may repeat a call that is in doubt; they must still not reorder. */
  idempotent?: boolean | ((producer: string) => boolean)
  /** Groups that have read to the end, and so must have seen every acknowledged record. */
  groups?: readonly string[]
  finalCommits?: readonly FinalCommit[]
  /** Records of writers that keep no history, such as one that goes around the access points. */
  foreign?: 'a defect' | 'expected'
  /** The topic's policy, when a cluster of it was given up during the run: what else may be then. */
  failover?: 'strict' | 'available'
  /** When the cluster that coordinates the groups was lost, and they went on at the standby home. */
  homeLosses?: readonly HomeLoss[]
  /** Evidence kept per kind of defect. */
  evidenceMax?: number
}

type StandingAt = (partition: number, offset: bigint) => StoredRecord | undefined

interface SentRecord {
  id: string
  key: string
  producer: string
  call: number
  /** Place among all records of its producer. */
  order: number
  fate: 'open' | 'acknowledged' | 'failed'
  acknowledgedAt: { partition: number; offset: bigint } | undefined
  occurrences: number
}

/**
 * Judges what clients saw against what the topic holds in the end. Pure. The defects are those of the virtual log's
 * invariants; each is counted as what it is and nothing else, so that one fault does not look like three.
 */
export function checkHistory(
  history: readonly HistoryEvent[],
  contents: readonly StoredRecord[],
  options: CheckOptions,
): Verdict {
  const events = [...history].sort((left, right) => left.at - right.at)
  const findings = new Findings(options.evidenceMax ?? 10)
  const idempotent = options.idempotent ?? true
  const isIdempotent = typeof idempotent === 'function' ? idempotent : () => idempotent

  const sent = collectSent(events, options.topic, findings)
  const places = placeContents(contents, findings)
  const standingAt: StandingAt = (partition, offset) => places.get(partition)?.get(offset)
  const elsewhere = new Elsewhere(contents, standingAt, options.failover)
  countOccurrences(contents, sent, options, findings)
  checkAcknowledged(sent, standingAt, elsewhere, isIdempotent, findings)
  checkOrder(contents, sent, elsewhere, isIdempotent, findings)

  const isLost = (id: string) => {
    const record = sent.get(id)
    return record !== undefined && record.fate === 'acknowledged' && record.occurrences === 0
  }
  const groups = new GroupJudge({
    topic: options.topic,
    standingAt,
    isLost,
    elsewhere,
    findings,
    homeLosses: options.homeLosses ?? [],
  })
  for (const event of events) groups.take(event)
  groups.checkFinalCommits(options.finalCommits ?? [])

  let acknowledged = 0
  for (const record of sent.values()) {
    if (record.fate !== 'acknowledged') continue
    acknowledged++
    if (record.occurrences === 0) continue
    for (const group of options.groups ?? []) {
      if (!groups.hasSeen(group, record.id)) {
        findings.found(
          'unseen',
          `record ${record.id} (key ${record.key}) was never delivered to group ${group}`,
        )
      }
    }
  }

  const evidence = [...findings.evidence]
  if (acknowledged === 0) evidence.push('nothing was acknowledged, so nothing was tested')
  const broken = acknowledged === 0 || Object.values(findings.counts).some((count) => count > 0)
  const { readTwice } = groups
  return { verdict: broken ? 'broken' : 'clean', acknowledged, ...findings.counts, readTwice, evidence }
}

/** Every record that was sent to the topic, with what became of it as its producer knows. */
function collectSent(
  events: readonly HistoryEvent[],
  topic: string,
  findings: Findings,
): Map<string, SentRecord> {
  const sent = new Map<string, SentRecord>()
  const calls = new Map<string, SentRecord[]>()
  const startedAt = events[0]?.at ?? 0
  const when = (at: number) => `${((at - startedAt) / 1_000).toFixed(1)} s after the start`
  const orders = new Map<string, number>()
  for (const event of events) {
    if (event.type === 'error') findings.found('errors', `${event.client}, ${when(event.at)}: ${event.error}`)
    if (event.type === 'sent' && event.topic === topic) {
      let order = orders.get(event.producer) ?? 0
      const records = event.ids.map((id, index): SentRecord => {
        if (sent.has(id)) throw new Error(`record id ${id} was sent twice: ids must be unique in a history`)
        const record: SentRecord = {
          id,
          key: event.keys[index] ?? '',
          producer: event.producer,
          call: event.call,
          order: order++,
          fate: 'open',
          acknowledgedAt: undefined,
          occurrences: 0,
        }
        sent.set(id, record)
        return record
      })
      orders.set(event.producer, order)
      calls.set(`${event.producer} ${event.call}`, records)
    }
    if (event.type === 'acknowledged') {
      calls.get(`${event.producer} ${event.call}`)?.forEach((record, index) => {
        record.fate = 'acknowledged'
        const offset = event.offsets[index] ?? UNKNOWN_OFFSET
        const partition = event.partitions[index]
        if (offset !== UNKNOWN_OFFSET && partition !== undefined)
          record.acknowledgedAt = { partition, offset }
      })
    }
    if (event.type === 'failed') {
      const records = calls.get(`${event.producer} ${event.call}`)
      if (records === undefined) continue
      for (const record of records) record.fate = 'failed'
      findings.found('errors', `${event.producer}, call ${event.call}, ${when(event.at)}: ${event.error}`)
    }
  }
  return sent
}

/** What stands at each offset. Read from the start, offsets only grow, and no offset comes twice. */
function placeContents(
  contents: readonly StoredRecord[],
  findings: Findings,
): Map<number, Map<bigint, StoredRecord>> {
  const places = new Map<number, Map<bigint, StoredRecord>>()
  const last = new Map<number, bigint>()
  for (const record of contents) {
    const { partition, offset } = record
    let ofPartition = places.get(partition)
    if (ofPartition === undefined) {
      ofPartition = new Map()
      places.set(partition, ofPartition)
    }
    const before = last.get(partition)
    const standing = ofPartition.get(offset)
    if (standing !== undefined) {
      findings.found(
        'offsetsReused',
        `partition ${partition} has two records at offset ${offset}: ${standing.id} and ${record.id}`,
      )
    } else {
      ofPartition.set(offset, record)
      if (before !== undefined && offset < before) {
        findings.found('offsetsBack', `partition ${partition} reads offset ${offset} after ${before}`)
      }
    }
    last.set(partition, offset)
  }
  return places
}

function countOccurrences(
  contents: readonly StoredRecord[],
  sent: ReadonlyMap<string, SentRecord>,
  options: CheckOptions,
  findings: Findings,
): void {
  for (const { id, partition, offset } of contents) {
    const record = sent.get(id)
    if (record !== undefined) record.occurrences++
    else if (options.foreign !== 'expected') {
      findings.found('foreign', `record ${id} at ${partition}/${offset} was sent by nobody`)
    }
  }
}

function checkAcknowledged(
  sent: ReadonlyMap<string, SentRecord>,
  standingAt: StandingAt,
  elsewhere: Elsewhere,
  isIdempotent: (producer: string) => boolean,
  findings: Findings,
): void {
  for (const record of sent.values()) {
    const where = record.acknowledgedAt
    if (record.occurrences > 1 && isIdempotent(record.producer)) {
      findings.found(
        'duplicated',
        `record ${record.id} (key ${record.key}) is there ${record.occurrences} times`,
      )
    }
    if (record.fate !== 'acknowledged') continue
    if (record.occurrences === 0) {
      const at = where === undefined ? '' : ` at ${where.partition}/${where.offset}`
      findings.found('lost', `record ${record.id} (key ${record.key}) was acknowledged${at} and is not there`)
      continue
    }
    if (where === undefined) continue
    if (elsewhere.isRecovered(record.id, where.partition, where.offset)) continue
    const standing = standingAt(where.partition, where.offset)
    if (standing?.id !== record.id) {
      findings.found(
        'offsetsReused',
        `record ${record.id} was acknowledged at ${where.partition}/${where.offset}, where ${standing?.id ?? 'nothing'} stands`,
      )
    }
  }
}

/**
 * Order is judged among acknowledged records: what a client gave up has no place. A producer without idempotence may
 * repeat a call, but not after it has gone on to the next one.
 */
function checkOrder(
  contents: readonly StoredRecord[],
  sent: ReadonlyMap<string, SentRecord>,
  elsewhere: Elsewhere,
  isIdempotent: (producer: string) => boolean,
  findings: Findings,
): void {
  const newest = new Map<string, SentRecord>()
  const met = new Set<string>()
  for (const stored of contents) {
    const { id, partition, offset } = stored
    const record = sent.get(id)
    if (record === undefined || record.fate !== 'acknowledged' || elsewhere.hasNoOrder(stored)) continue
    const repeated = met.has(id)
    met.add(id)
    if (repeated && isIdempotent(record.producer)) continue
    const line = `${record.producer}\n${record.key}\n${partition}`
    const before = newest.get(line)
    if (before === undefined || before.order < record.order) {
      newest.set(line, record)
      continue
    }
    if (repeated && before.call === record.call) continue
    findings.found(
      'reordered',
      `record ${id} (key ${record.key}) at ${partition}/${offset} stands after ${before.id}, which was sent later`,
    )
  }
}
