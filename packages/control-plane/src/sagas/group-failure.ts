// All or nothing: what one topic of a group fails with, every record of the group says.
import { reasonOf } from '../log.ts'
import { Refusal } from '../refusal.ts'
import type { MigrationRow } from '../store/rows.ts'
import { Cancelled } from './saga.ts'

const namedMax = 10

export interface TopicFailure {
  readonly migration: string
  readonly topic: string
  readonly refusal: Refusal
}

/** What is wrong with these topics of the group, each named; there is nothing wrong with the others. */
export class GroupFailure extends Refusal {
  readonly failures: readonly TopicFailure[]

  constructor(failures: readonly [TopicFailure, ...TopicFailure[]]) {
    const [{ refusal }] = failures
    const messages = failures.slice(0, namedMax).map((failure) => failure.refusal.message)
    const more = failures.length > namedMax ? `; and ${failures.length - namedMax} topics more` : ''
    super(refusal.code, `${messages.join('; ')}${more}`, { cause: refusal })
    this.failures = failures
  }
}

/** Why the group was turned back, in the words of each of its records, by migration id. */
export function groupErrors(
  rows: readonly MigrationRow[],
  cause: unknown,
  step: string,
): Map<string, { code: string; detail: string }> {
  return new Map(rows.map((row) => [row.id, errorOf(row, rows.length, cause, step)]))
}

function errorOf(
  { id, topic, from, to }: MigrationRow,
  count: number,
  cause: unknown,
  step: string,
): { code: string; detail: string } {
  const others = count === 1 ? '' : `, and so do the ${count - 1} topics that move with it`
  if (cause instanceof Cancelled) {
    return {
      code: 'MIGRATION_CANCELLED',
      detail: `the move of topic ${topic} to ${to.cluster} was cancelled in step ${step}: the topic stays on ${from.cluster}${others}`,
    }
  }
  const notMoved = `topic ${topic} was not moved to ${to.cluster} and stays on ${from.cluster}`
  if (!(cause instanceof GroupFailure)) {
    return {
      code: cause instanceof Refusal ? cause.code : 'MIGRATION_UNDONE',
      detail: `${notMoved}${others}, because step ${step} failed: ${reasonOf(cause)}`,
    }
  }
  const own = cause.failures.find((failure) => failure.migration === id)
  if (own !== undefined) {
    return {
      code: own.refusal.code,
      detail: `${notMoved}${others}, because step ${step} failed: ${own.refusal.message}`,
    }
  }
  const names = cause.failures.slice(0, namedMax).map((failure) => failure.topic)
  const more = cause.failures.length > namedMax ? ` and ${cause.failures.length - namedMax} more` : ''
  return {
    code: 'MIGRATION_UNDONE',
    detail: `${notMoved}: it was undone together with ${names.join(', ')}${more}, for which step ${step} failed: ${cause.message}`,
  }
}
