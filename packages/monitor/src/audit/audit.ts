import type { RouteTable, TopicRoute } from '@braid/routing-model'
import type { Clusters } from '../clusters/cluster-set.ts'
import { readOffsets } from '../clusters/read-offsets.ts'
import type { Find } from '../findings.ts'
import { type Log, reasonOf } from '../log.ts'
import { type Judgement, judgeWindow } from './judge-window.ts'
import { growthBetween, type LogRecords, logRecords } from './log-records.ts'
import { acknowledgedMetric, type Counts, deliveredMetric, ProxyCounts, parseCounts } from './proxy-counts.ts'

export interface AuditParts {
  /** `host:port` of proxies' /metrics. */
  readonly targets: readonly string[]
  readonly clusters: Clusters
  readonly find: Find
  readonly log: Log
  readonly now: () => number
  readonly timeoutMs: number
  readonly windowMs: number
}

/** The latest window of one topic. */
export interface AuditedWindow {
  readonly tenant: string
  readonly topic: string
  readonly acknowledged: number
  readonly appended: number
  /** To consumers: as often as it is read. */
  readonly delivered: number
  readonly judgement: Judgement
}

/** One look at everything: counters first, logs afterwards, so that what was counted is in the logs. */
interface Look {
  readonly atMs: number
  readonly acknowledged: Counts
  readonly delivered: Counts
  readonly heard: boolean
  readonly logs: ReadonlyMap<string, LogRecords>
}

/** Between an append and its answer, at most. */
export const LEAD_MS = 10_000
const ANSWER_MAX_BYTES = 16 * 1024 * 1024

export class Audit {
  readonly #parts: AuditParts
  readonly #acknowledged = new ProxyCounts()
  readonly #delivered = new ProxyCounts()
  readonly #silent = new Set<string>()
  #looks: Look[] = []
  #beganMs: number | undefined
  #windows: readonly AuditedWindow[] = []

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  get windows(): readonly AuditedWindow[] {
    return this.#windows
  }

  async round(table: RouteTable): Promise<void> {
    const { targets, now, windowMs } = this.#parts
    if (targets.length === 0) return
    const heard = await this.#hear()
    const acknowledged = new Map(this.#acknowledged.totals)
    const delivered = new Map(this.#delivered.totals)
    const logs = await this.#readLogs(table, acknowledged.keys())
    this.#looks.push({ atMs: now(), acknowledged, delivered, heard, logs })
    this.#forget(table)
    const last = this.#looks.at(-1)!
    this.#beganMs ??= last.atMs + LEAD_MS
    if (last.atMs < this.#beganMs + windowMs) return
    this.#close(this.#beganMs, last)
    this.#beganMs = last.atMs
    const needed = last.atMs - LEAD_MS
    const from = this.#looks.findLastIndex(({ atMs }) => atMs <= needed)
    this.#looks = this.#looks.slice(Math.max(0, from))
  }

  /** What no route names any more, once no look that is still compared had it. */
  #forget(table: RouteTable): void {
    const isNeeded = (key: string) =>
      routeOf(table, key) !== undefined || this.#looks.some(({ logs }) => logs.has(key))
    this.#acknowledged.forgetAllBut(isNeeded)
    this.#delivered.forgetAllBut(isNeeded)
  }

  #close(beganMs: number, end: Look): void {
    const at = (ms: number) => this.#looks.findLast(({ atMs }) => atMs <= ms) ?? this.#looks[0]!
    const [lead, begin, tail] = [at(beganMs - LEAD_MS), at(beganMs), at(end.atMs - LEAD_MS)]
    const since = this.#looks.slice(this.#looks.indexOf(lead))
    const heard = since.every((look) => look.heard)
    this.#windows = [...end.acknowledged].flatMap(([key, total]) => {
      const logs = [lead, begin, tail, end].map((look) => look.logs.get(key))
      const [leadLog, beginLog, tailLog, endLog] = logs
      if (leadLog === undefined || beginLog === undefined || tailLog === undefined || endLog === undefined)
        return []
      const acknowledged = total - (begin.acknowledged.get(key) ?? total)
      const delivered = (end.delivered.get(key) ?? 0) - (begin.delivered.get(key) ?? 0)
      const judgement = judgeWindow({
        acknowledged,
        mostAppended: growthBetween(leadLog, endLog),
        leastAppended: growthBetween(beginLog, tailLog),
        vanished: vanishedOver(
          this.#looks.slice(this.#looks.indexOf(begin)).map((look) => look.logs.get(key)),
        ),
        heard,
      })
      const [tenant = '', topic = ''] = key.split('/')
      const appended = Number(growthBetween(beginLog, endLog).records)
      const window = { tenant, topic, acknowledged, appended, delivered, judgement }
      this.#tell(window)
      return [window]
    })
  }

  #tell({ tenant, topic, acknowledged, appended, judgement }: AuditedWindow): void {
    const evidence = { acknowledged, appended, windowMs: this.#parts.windowMs }
    const counts = `${acknowledged} acknowledged, ${appended} came to the log in ${this.#parts.windowMs / 1_000} s`
    if (judgement.kind === 'loss') {
      const { records } = judgement
      const detail = `${records} records of ${topic} were acknowledged and are not in its log: ${counts}`
      this.#parts.find({
        kind: 'COUNT_LOSS',
        severity: 'error',
        tenant,
        topic,
        detail,
        evidence: { ...evidence, records },
      })
    } else if (judgement.kind === 'surplus') {
      const { records } = judgement
      const detail = `${records} records of ${topic} are in its log that no proxy acknowledged: ${counts}`
      this.#parts.find({
        kind: 'COUNT_SURPLUS',
        severity: 'info',
        tenant,
        topic,
        detail,
        evidence: { ...evidence, records },
      })
    }
  }

  /** Whether every proxy was heard. */
  async #hear(): Promise<boolean> {
    const { targets, log, timeoutMs } = this.#parts
    const heard = await Promise.all(
      targets.map(async (target) => {
        try {
          const text = await scrape(target, timeoutMs)
          this.#acknowledged.heard(target, parseCounts(text, acknowledgedMetric))
          this.#delivered.heard(target, parseCounts(text, deliveredMetric))
          this.#silent.delete(target)
          return true
        } catch (error) {
          if (!this.#silent.has(target)) log('warn', 'proxy-metrics', { target, why: reasonOf(error) })
          this.#silent.add(target)
          return false
        }
      }),
    )
    return heard.every(Boolean)
  }

  async #readLogs(table: RouteTable, keys: Iterable<string>): Promise<Map<string, LogRecords>> {
    const routes = [...keys].flatMap((key): [string, TopicRoute][] => {
      const route = routeOf(table, key)
      return route === undefined ? [] : [[key, route]]
    })
    const found = new Map<string, LogRecords>()
    await Promise.all(
      [...Map.groupBy(routes, ([, route]) => route.cluster(route.active))].map(async ([name, ofCluster]) => {
        const cluster = this.#parts.clusters(name)
        if (cluster === undefined) return
        const asked = ofCluster.map(([, route]) => ({
          topic: route.physicalTopic(route.active),
          partitions: Array.from({ length: route.partitions }, (_, partition) => partition),
        }))
        const ends = await readOffsets(cluster, asked, 'highWatermark', this.#parts.timeoutMs)
        for (const [key, route] of ofCluster) {
          const ofTopic = ends.get(route.physicalTopic(route.active))
          const byPartition = Array.from({ length: route.partitions }, (_, partition) =>
            ofTopic?.get(partition),
          )
          found.set(key, logRecords(route, byPartition))
        }
      }),
    )
    return found
  }
}

function routeOf(table: RouteTable, key: string): TopicRoute | undefined {
  const [tenant = '', topic = ''] = key.split('/')
  return table.topic(tenant, topic)
}

/** From each look to the next. */
function vanishedOver(looks: readonly (LogRecords | undefined)[]): bigint {
  const known = looks.filter((look) => look !== undefined)
  return known
    .slice(1)
    .map((look, i) => growthBetween(known[i]!, look).vanished)
    .reduce((a, b) => a + b, 0n)
}

async function scrape(target: string, timeoutMs: number): Promise<string> {
  const answer = await fetch(`http://${target}/metrics`, { signal: AbortSignal.timeout(timeoutMs) })
  if (!answer.ok) throw new Error(`${target} answers ${answer.status}`)
  const text = await answer.text()
  if (text.length > ANSWER_MAX_BYTES) throw new Error(`${target} answers more than ${ANSWER_MAX_BYTES} bytes`)
  return text
}
