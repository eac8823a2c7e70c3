import { type Migration, type MigrationStepName, migrationSteps } from '@braid/control-api'
import { duration } from './duration.ts'

type StepStatus = 'waiting' | 'doing' | 'done' | 'undoing' | 'undone' | 'failed'

export interface StepView {
  readonly step: MigrationStepName
  readonly status: StepStatus
  /** Over all attempts; undefined while waiting. */
  readonly elapsedMs: number | undefined
  readonly note: string
}

/** What a person may wonder about while a step takes long. */
const waitsFor: Readonly<Record<MigrationStepName, string>> = {
  CHECK: 'asks the target whether it answers and has room',
  PREPARE: 'creates the physical topic, waits for its leaders',
  SEAL: 'waits until the broker refuses every append, then reads the cuts',
  SWITCH: 'stores the new loglets and publishes them',
  DRAIN: 'watches for stray writes while consumers read on',
  RETIRE: 'waits until retention has emptied the sealed loglet',
}

/** A migration as its steps stand at `nowMs` (epoch milliseconds). */
export function stepViews(migration: Migration, nowMs: number): StepView[] {
  return migrationSteps.map((step) => {
    const attempts = migration.attempts.filter((attempt) => attempt.step === step)
    const last = attempts.at(-1)
    if (last === undefined) return { step, status: 'waiting', elapsedMs: undefined, note: '' }
    const startedMs = Date.parse(attempts.find((a) => a.direction === last.direction)!.startedAt)
    const endedMs = last.endedAt === null ? nowMs : Date.parse(last.endedAt)
    // The clocks of two machines may differ; a step never takes less than nothing.
    const elapsedMs = Math.max(0, endedMs - startedMs)
    const status = statusOf(last)
    return { step, status, elapsedMs, note: noteOf(migration, step, status, last.error, attempts.length) }
  })
}

function statusOf(attempt: Migration['attempts'][number]): StepStatus {
  if (attempt.error !== null) return 'failed'
  if (attempt.direction === 'do') return attempt.endedAt === null ? 'doing' : 'done'
  return attempt.endedAt === null ? 'undoing' : 'undone'
}

function noteOf(
  migration: Migration,
  step: MigrationStepName,
  status: StepStatus,
  error: string | null,
  attempts: number,
): string {
  if (status === 'doing') return attempts > 1 ? `${waitsFor[step]} (attempt ${attempts})` : waitsFor[step]
  if (status === 'failed') return error ?? ''
  if (status !== 'done') return ''
  if (step === 'PREPARE') return `${migration.to.topic} on ${migration.to.cluster}`
  if (step === 'SEAL' && migration.sealMs !== null) return `sealed and cut in ${duration(migration.sealMs)}`
  if (step === 'SWITCH' && migration.switchMs !== null) {
    return `switched in ${duration(migration.switchMs)}, route version ${migration.routeVersion}`
  }
  return ''
}

export function stepLine({ step, status, elapsedMs, note }: StepView): string {
  const elapsed = elapsedMs === undefined ? '' : duration(elapsedMs)
  return `${step.padEnd(8)} ${status.padEnd(8)} ${elapsed.padStart(8)}   ${note}`.trimEnd()
}

export const moveTitle = ({ id, topic, from, to }: Migration): string =>
  `migration ${id}: topic ${topic} from ${from.cluster} to ${to.cluster}`

const ended: ReadonlySet<string> = new Set(['done', 'failed', 'cancelled'])

/** One migration in full, for `migration show`. */
export function migrationText(migration: Migration, nowMs: number): string {
  const lines = [`${moveTitle(migration)}, ${migration.state}`]
  if (migration.cancelRequested && migration.state === 'running') lines.push('its cancellation was asked for')
  if (migration.pauseRequested && !ended.has(migration.state)) {
    lines.push(`it is held before its next step: braid migration resume ${migration.id}`)
  }
  if (migration.operation !== null) lines.push(`part of operation ${migration.operation}`)
  lines.push(...stepViews(migration, nowMs).map(stepLine))
  if (migration.error !== null) lines.push(`error: ${migration.error.detail}`)
  for (const stray of migration.strays) {
    lines.push(
      `stray writes: partition ${stray.partition} of ${migration.from.topic} on ${migration.from.cluster} grew ` +
        `from ${stray.from} to ${stray.to} after the cut, recovered up to ${stray.recovered}: ` +
        'someone writes past Braid',
    )
  }
  return lines.map((line) => `${line}\n`).join('')
}
