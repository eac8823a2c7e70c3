// Looks at the whole installation, in bounded time, and changes nothing.
import type { Diagnosis } from '@braid/control-api'
import type { AccessPoints } from '../access-points.ts'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import { physicalTopicsOf } from '../reconcile/desired.ts'
import type { Reconciler } from '../reconcile/reconciler.ts'
import type { ClusterRow } from '../store/rows.ts'
import { clusterFindings } from './cluster-findings.ts'
import { examine } from './examination.ts'
import { failoverFindings } from './failover-findings.ts'
import { type DoctorFinding, found } from './findings.ts'
import { accessPointFindings, leftoverFindings, topicFindings } from './other-findings.ts'
import { within } from './outcome.ts'

interface DoctorParts {
  readonly plane: Plane
  readonly reconciler: Reconciler
  readonly accessPoints: AccessPoints
}

export interface DoctorLimits {
  /** Of one question to one cluster. */
  readonly questionMaxMs: number
  /** Of all that is asked of one cluster. */
  readonly clusterMaxMs: number
  /** Of looking at all topics. */
  readonly surveyMaxMs: number
}

const defaultLimits: DoctorLimits = { questionMaxMs: 5_000, clusterMaxMs: 18_000, surveyMaxMs: 20_000 }
const clustersAtOnceMax = 32
/** Whose rights are asked for, of one cluster. */
const topicsAskedMax = 200
/** A deletion that has not worked for so long does not work. */
const leftoverKeptMs = 5 * 60_000

export class Doctor {
  private readonly parts: DoctorParts
  private readonly limits: DoctorLimits
  /** Who asks meanwhile gets the same answer. */
  private running: Promise<Diagnosis> | undefined

  constructor(parts: DoctorParts, limits: Partial<DoctorLimits> = {}) {
    this.parts = parts
    this.limits = { ...defaultLimits, ...limits }
  }

  run(): Promise<Diagnosis> {
    this.running ??= this.examineAll().finally(() => {
      this.running = undefined
    })
    return this.running
  }

  private async examineAll(): Promise<Diagnosis> {
    const { plane, reconciler } = this.parts
    const wantedVersion = plane.board.table.version
    const { surveyMaxMs } = this.limits
    const [surveyed, clusters, accessPoints] = await Promise.all([
      within(surveyMaxMs, () => reconciler.survey()),
      this.lookAtClusters(),
      this.lookAtAccessPoints(wantedVersion),
    ])
    const topics =
      surveyed.kind === 'answered'
        ? topicFindings(surveyed.value)
        : [
            found(
              'QUESTION_UNANSWERED',
              'topics',
              surveyed.kind === 'late'
                ? `looking at all topics took longer than ${surveyMaxMs / 1_000} s`
                : surveyed.failure.reason,
            ),
          ]
    const findings = [
      ...clusters,
      ...topics,
      ...leftoverFindings(await plane.store.leftovers(), { now: plane.now(), keptMs: leftoverKeptMs }),
      ...accessPoints,
      ...failoverFindings({
        tenants: Array.from(plane.board.table.tenants.values()),
        routes: Array.from(plane.board.table.allTopics()),
        clusters: await plane.store.clusters(),
        topics: surveyed.kind === 'answered' ? surveyed.value.map(({ topic }) => topic) : [],
        accessPoints: this.parts.accessPoints.list(),
        leases: plane.leases.list(),
      }),
    ]
    const count = (severity: DoctorFinding['severity']) =>
      findings.filter((one) => one.severity === severity).length
    return {
      at: new Date(plane.now()).toISOString(),
      findings,
      counts: { ok: count('ok'), warning: count('warning'), error: count('error') },
    }
  }

  private async lookAtClusters(): Promise<DoctorFinding[]> {
    const { board, store } = this.parts.plane
    const rows = await store.clusters()
    const homes = new Set(Array.from(board.table.tenants.values(), ({ home }) => home))
    const topics = this.physicalTopics()
    const findings = new Map<string, DoctorFinding[]>()
    const queue = rows.values()
    const worker = async () => {
      for (const row of queue) {
        const asked = (topics.get(row.name) ?? []).slice(0, topicsAskedMax)
        findings.set(row.name, await this.lookAtCluster(row, asked, homes.has(row.name)))
      }
    }
    await Promise.all(Array.from({ length: Math.min(clustersAtOnceMax, rows.length) }, worker))
    return rows.flatMap(({ name }) => findings.get(name) ?? [])
  }

  private async lookAtCluster(row: ClusterRow, topics: readonly string[], isHome: boolean) {
    const { clusters } = this.parts.plane
    const { questionMaxMs, clusterMaxMs } = this.limits
    const outcome = await within(clusterMaxMs, () =>
      examine((end) => clusters.openAt(end), row, topics, { questionMaxMs, isHome }),
    )
    if (outcome.kind === 'answered') return clusterFindings(outcome.value)
    const detail =
      outcome.kind === 'late'
        ? `not all of it was answered within ${clusterMaxMs / 1_000} s`
        : reasonOf(outcome.failure.reason)
    return [found('QUESTION_UNANSWERED', `cluster ${row.name}`, detail)]
  }

  private physicalTopics(): ReadonlyMap<string, readonly string[]> {
    const { table } = this.parts.plane.board
    const found = new Map<string, string[]>()
    for (const { name: tenant, home } of table.tenants.values()) {
      for (const route of table.topics(tenant)) {
        for (const [cluster, names] of physicalTopicsOf({
          route,
          home,
          standbyMade: undefined,
          standbyHomeMade: undefined,
        })) {
          const known = found.get(cluster)
          if (known === undefined) found.set(cluster, [...names])
          else for (const name of names) if (known.length < topicsAskedMax) known.push(name)
        }
      }
    }
    return found
  }

  /** One that lags may only have yet to renew: it is looked at again after the time that a renewal takes. */
  private async lookAtAccessPoints(wantedVersion: number): Promise<DoctorFinding[]> {
    const { plane, accessPoints } = this.parts
    const { leaseMs } = plane.timings
    if (accessPoints.list().some(({ routeVersion }) => routeVersion < wantedVersion)) {
      await plane.sleep(leaseMs / 2, plane.closing).catch(() => {})
    }
    const looks = accessPoints.list().map((point) => ({ point, wantedVersion }))
    return accessPointFindings(looks, { now: plane.now(), leaseMs })
  }
}
