// Everything that the doctor can find, once: how bad it is, and what to do.
import type { Finding } from '@braid/control-api'
import { type DifferenceCode, differenceCodes } from '../reconcile/difference.ts'

type Severity = 'warning' | 'error'

const reconcilerMends =
  'the reconciler mends it within a minute; when it stays, the detail of the topic says why'

const fixes = {
  SECRET_MISSING: [
    'error',
    'set the variable, or put the file there, on the control plane and on every access point: each of them reads it',
  ],
  AUTHENTICATION_FAILED: [
    'error',
    'compare user, password and mechanism with what the broker knows (kafka-configs --describe --entity-type users); braid cluster update changes them',
  ],
  TLS_FAILED: [
    'error',
    'compare the CA, the name in the broker’s certificate and our own certificate; braid cluster update --security-file changes them',
  ],
  BOOTSTRAP_UNREACHABLE: [
    'warning',
    'start the broker, open the way to it, or give the cluster other addresses with braid cluster update --bootstrap',
  ],
  CLUSTER_UNREACHABLE: [
    'error',
    'start the cluster, or open the way to it from the control plane; its topics wait for it meanwhile',
  ],
  ANOTHER_CLUSTER: [
    'error',
    'give the cluster its own addresses with braid cluster update --bootstrap; nothing is done on a cluster that is another one',
  ],
  BROKER_UNREACHABLE: [
    'error',
    'start the broker, or make the address that it advertises (advertised.listeners) one that the control plane and all access points can reach',
  ],
  MISSING_RIGHT: ['error', 'grant it with kafka-acls'],
  CLOCK_SKEW: [
    'warning',
    'let NTP set both clocks: retention, timestamps of records and times in this output go by them',
  ],
  CLOCK_UNKNOWN: ['warning', 'grant Describe on the cluster if its clock is to be compared'],
  API_MISSING: [
    'error',
    'upgrade the brokers to Kafka 3.9 or later in KRaft mode: topics cannot be sealed there',
  ],
  VERSION_OLD: ['warning', 'upgrade the brokers to Kafka 3.9 or later, which Braid is tested with'],
  QUESTION_UNANSWERED: ['warning', 'look at the brokers’ load and logs, then run the doctor again'],
  UNCLEAN_ELECTION: [
    'warning',
    'set unclean.leader.election.enable=false: a leader that was not in sync loses acknowledged records',
  ],
  REPLICAS_TOO_FEW: [
    'error',
    'ask for a smaller min.insync.replicas, or move the topic to where it has more replicas: nothing with acks=all is acknowledged',
  ],
  LEFTOVER_KEPT: [
    'warning',
    'bring the cluster back, or grant Delete on the topic; it is tried again all the time, and nothing waits for it',
  ],
  LEASE_ENDING: [
    'warning',
    'look at the access point and the way from it to the control plane: without a lease it leaves the routes, and clients are not sent to it',
  ],
  ACCESS_POINT_BEHIND: [
    'warning',
    'look at its route feed (braid_route_version of its metrics): clients there wait for topics that have moved',
  ],
  CLUSTER_GIVEN_UP: [
    'error',
    'when it is back: braid cluster return; until then what only it has cannot be read',
  ],
  LOGLETS_LOST: [
    'warning',
    'take the cluster back with braid cluster return; when it is gone for good: braid topic abandon, which names its price',
  ],
  STANDBY_MISSING: [
    'warning',
    'see why with braid topic show; often no cluster in another failure domain has room: add one, or raise its capacity',
  ],
  STANDBY_HOME_MISSING: ['warning', 'name one that is there: braid tenant set NAME --standby-home CLUSTER'],
  WRITE_LEASE_MISSING: [
    'error',
    'look at its log (lease-not-renewed): it says why, and what to do; most often the control plane cannot be reached from there',
  ],
} as const satisfies Record<string, readonly [Severity, string]>

export type DoctorCode = keyof typeof fixes

/** By what a topic differs in; those without text here are mended. */
const topicFixes: Partial<Record<DifferenceCode, string>> = {
  ACTIVE_SEALED:
    'set max.message.bytes back on the physical topic with kafka-configs, as the detail says; never after a backup of the store was put back: then the topic has moved since, and offsets would be used twice',
  TOPIC_MISSING:
    'find out who deleted it and take away that right; delete the topic in Braid, or live with the gap',
  TOPIC_REPLACED:
    'find out who made it anew and take away that right; delete the topic in Braid and create it again',
  STUB_MISSING:
    'it is made again by the reconciler; set the groups’ offsets with kafka-consumer-groups --reset-offsets before they begin anew, and take away the right to delete it',
  SEAL_TAKEN_OFF:
    'it is sealed again by the reconciler; find out who may alter configs there and take away that right',
  PARTITIONS_ADDED: 'braid topic update --partitions with the number that is there',
}

export type DoctorFinding = Omit<Finding, 'code'> & { readonly code: DoctorCode | DifferenceCode | 'WELL' }

export function found(
  code: DoctorCode,
  subject: string,
  detail: string,
  more: { fix?: string; severity?: Severity } = {},
): DoctorFinding {
  const [severity, fix] = fixes[code]
  return { code, severity: more.severity ?? severity, subject, detail, fix: more.fix ?? fix }
}

export function differs(code: DifferenceCode, subject: string, detail: string): DoctorFinding {
  const severity = differenceCodes[code].alarm ? 'error' : 'warning'
  return { code, severity, subject, detail, fix: topicFixes[code] ?? reconcilerMends }
}

export function well(subject: string, detail: string): DoctorFinding {
  return { code: 'WELL', severity: 'ok', subject, detail, fix: null }
}
