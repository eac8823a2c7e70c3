import { describeRight, type Right } from '@braid/kafka-connection'
import { type Examination, type Inside, probeName } from './examination.ts'
import { type DoctorFinding, found, well } from './findings.ts'
import { type Outcome, reasonNot } from './outcome.ts'

/** Beyond what the reading itself may be off by. Retention and timestamps hardly notice less. */
const clockSkewMaxMs = 1_000
const namedMax = 5
const ours = ['SECRET_MISSING', 'AUTHENTICATION_FAILED', 'TLS_FAILED'] as const

export function clusterFindings(examination: Examination): DoctorFinding[] {
  const { row, inside } = examination
  const subject = `cluster ${row.name}`
  const findings = [
    ...addressFindings(subject, examination),
    ...(inside === undefined ? [] : insideFindings(subject, examination, inside)),
  ]
  if (findings.length > 0) return findings
  const brokers = inside?.brokers.length ?? 0
  return [
    well(
      subject,
      `${brokers} ${brokers === 1 ? 'broker answers' : 'brokers answer'}, and every right is granted`,
    ),
  ]
}

function addressFindings(subject: string, { row, addresses, inside }: Examination): DoctorFinding[] {
  const findings: DoctorFinding[] = []
  // One reason for all addresses is one finding.
  const told = new Set<string>()
  for (const { address, outcome } of addresses) {
    if (outcome.kind === 'answered') {
      if (outcome.value === row.clusterId) continue
      const detail = `at ${address} answers cluster ${outcome.value}, registered is ${row.clusterId}`
      findings.push(found('ANOTHER_CLUSTER', subject, detail))
      continue
    }
    const detail = `${address}: ${reasonNot(outcome)}`
    const code = outcome.kind === 'failed' ? ours.find((one) => one === outcome.failure.code) : undefined
    if (code === undefined) {
      findings.push(
        found(inside === undefined ? 'CLUSTER_UNREACHABLE' : 'BOOTSTRAP_UNREACHABLE', subject, detail),
      )
    } else if (!told.has(code)) {
      told.add(code)
      findings.push(found(code, subject, detail))
    }
  }
  return findings
}

function insideFindings(subject: string, { row }: Examination, inside: Inside): DoctorFinding[] {
  const { brokers, clock, rights } = inside
  return [
    ...brokers.flatMap(({ broker, outcome }) => {
      const who = `broker ${broker.id} at ${broker.host}:${broker.port}`
      if (outcome.kind !== 'answered')
        return [found('BROKER_UNREACHABLE', subject, `${who}: ${reasonNot(outcome)}`)]
      const { lacks, isCurrent } = outcome.value
      if (lacks.length > 0)
        return [found('API_MISSING', subject, `${who} does not offer ${lacks.join(', ')}`)]
      return isCurrent ? [] : [found('VERSION_OLD', subject, `${who} is older than Kafka 3.9`)]
    }),
    ...clockFindings(subject, clock),
    ...rightFindings(subject, row, rights),
  ]
}

function clockFindings(subject: string, clock: Inside['clock']): DoctorFinding[] {
  if (clock.kind === 'failed' && clock.failure.code === 'NOT_AUTHORIZED')
    return [found('CLOCK_UNKNOWN', subject, clock.failure.reason)]
  if (clock.kind !== 'answered') return unanswered(subject, 'the clock of its controller', clock)
  if (clock.value === undefined) return []
  const { aheadMs, errorMs } = clock.value
  if (Math.abs(aheadMs) - errorMs <= clockSkewMaxMs) return []
  const by = `${Math.round(Math.abs(aheadMs) / 100) / 10} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`
  return [
    found('CLOCK_SKEW', subject, `the clock of its active controller is ${by} that of the control plane`),
  ]
}

function unanswered(
  subject: string,
  what: string,
  outcome: Exclude<Outcome<unknown>, { kind: 'answered' }>,
): DoctorFinding[] {
  return [found('QUESTION_UNANSWERED', subject, `${what} could not be asked for: ${reasonNot(outcome)}`)]
}

function rightFindings(subject: string, row: Examination['row'], rights: Inside['rights']): DoctorFinding[] {
  if (rights.kind === 'failed' && rights.failure.missing !== undefined)
    return [missingRight(subject, row, [rights.failure.missing])]
  if (rights.kind !== 'answered') return unanswered(subject, 'the rights of our user', rights)
  const alike = new Map<string, Right[]>()
  for (const right of rights.value) {
    const key = `${right.operation} ${right.resource}`
    alike.set(key, [...(alike.get(key) ?? []), right])
  }
  return Array.from(alike.values(), (lacking) => missingRight(subject, row, lacking))
}

/** All of one operation. Of names that are yet to come alone, it may be that others are never to come. */
function missingRight(subject: string, row: Examination['row'], lacking: readonly Right[]): DoctorFinding {
  const [{ operation, resource }] = lacking as [Right]
  const names = lacking.map(({ name }) => name).filter((name) => name !== probeName)
  const named = names.slice(0, namedMax).join(', ')
  const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : ''
  const kind = resource.toLowerCase()
  const yetToCome = names.length === 0
  const detail = yetToCome
    ? `our user lacks ${operation} on ${kind}s in general: ${describeRight(lacking[0]!)} would be refused`
    : `our user lacks ${operation} on ${resource} ${named}${more}${whatFor(operation, resource)}`
  const user = row.security?.sasl?.username ?? 'NAME'
  const option = resource === 'Cluster' ? '--cluster' : `--${kind} '*'`
  const fix = `kafka-acls --bootstrap-server ${row.bootstrap[0]} --add --allow-principal User:${user} --operation ${operation} ${option}`
  return found('MISSING_RIGHT', subject, detail, { fix, severity: yetToCome ? 'warning' : 'error' })
}

function whatFor(operation: Right['operation'], resource: Right['resource']): string {
  if (resource !== 'Topic') return ''
  switch (operation) {
    case 'AlterConfigs':
      return ': it cannot be sealed, so it cannot be moved'
    case 'Read':
      return ': consumers get nothing, and DescribeProducers, by which repeated batches are found after a move, is refused'
    case 'Write':
      return ': producers are refused, and a seal cannot be probed'
    case 'Alter':
      return ': it cannot have more partitions'
    default:
      return ''
  }
}
