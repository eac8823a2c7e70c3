import type { AccessPoint } from '@braid/control-api'
import type { Surveyed } from '../reconcile/reconciler.ts'
import type { LeftoverRow } from '../store/rows.ts'
import { type DoctorFinding, differs, found, well } from './findings.ts'

/** Topics that differ, or are set up so that records can be lost. */
export function topicFindings(surveyed: readonly Surveyed[]): DoctorFinding[] {
  const findings = surveyed.flatMap(({ topic, facts, differences }) => {
    const { tenant, name } = topic.route
    const subject = `topic ${name} of tenant ${tenant}`
    // What is wrong with a cluster is said once, and not for each of its topics.
    const differing = differences.filter(({ code }) => code !== 'CLUSTER_AWAY')
    return [
      ...differing.map(({ code, text }) => differs(code, subject, text)),
      ...(facts === undefined ? [] : unsafe(subject, facts)),
    ]
  })
  if (findings.length > 0 || surveyed.length === 0) return findings
  return [well('topics', `all ${surveyed.length} are as they should be`)]
}

function unsafe(
  subject: string,
  { configs, replicationFactor }: NonNullable<Surveyed['facts']>,
): DoctorFinding[] {
  const findings: DoctorFinding[] = []
  if (configs.get('unclean.leader.election.enable')?.value === 'true')
    findings.push(found('UNCLEAN_ELECTION', subject, 'unclean.leader.election.enable=true'))
  const inSync = Number(configs.get('min.insync.replicas')?.value ?? 1)
  if (inSync > replicationFactor) {
    const detail = `min.insync.replicas=${inSync}, and it has ${replicationFactor} replicas`
    findings.push(found('REPLICAS_TOO_FEW', subject, detail))
  }
  return findings
}

/** `keptMs` is what a deletion may take when all is well. */
export function leftoverFindings(
  leftovers: readonly LeftoverRow[],
  { now, keptMs }: { now: number; keptMs: number },
): DoctorFinding[] {
  return leftovers
    .filter(({ recordedAt }) => now - recordedAt > keptMs)
    .map(({ cluster, topic, recordedAt }) =>
      found(
        'LEFTOVER_KEPT',
        `physical topic ${topic} on ${cluster}`,
        `nobody needs it, and it could not be deleted for ${Math.round((now - recordedAt) / 60_000)} minutes`,
      ),
    )
}

export interface AccessPointLook {
  readonly point: Pick<AccessPoint, 'id' | 'routeVersion' | 'leaseEndsAt'>
  /** The version that was in force when the doctor began, a renewal or more ago. */
  readonly wantedVersion: number
}

export function accessPointFindings(
  looks: readonly AccessPointLook[],
  { now, leaseMs }: { now: number; leaseMs: number },
): DoctorFinding[] {
  const findings = looks.flatMap(({ point, wantedVersion }) => {
    const subject = `access point ${point.id}`
    const leftMs = Date.parse(point.leaseEndsAt) - now
    if (leftMs < leaseMs / 3) {
      const left = Math.max(0, Math.round(leftMs / 100) / 10)
      return [
        found(
          'LEASE_ENDING',
          subject,
          `its lease of ${leaseMs / 1_000} s ends in ${left} s, and it has not renewed it`,
        ),
      ]
    }
    if (point.routeVersion >= wantedVersion) return []
    const detail = `it has route version ${point.routeVersion}, ${wantedVersion} has been in force for longer than a renewal takes`
    return [found('ACCESS_POINT_BEHIND', subject, detail)]
  })
  if (findings.length > 0 || looks.length === 0) return findings
  return [well('access points', `all ${looks.length} have the routes in force, and renew their leases`)]
}
