import type { Problem, ProblemCode } from '@braid/control-api'

/** What the control plane will not or cannot do. The message says what, where, and what to do about it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: ProblemCode
  readonly fields: Problem['fields']

  constructor(
    code: ProblemCode,
    message: string,
    options: { fields?: Problem['fields']; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.fields = options.fields
  }
}

export function unknownTopic(name: string): Refusal {
  return new Refusal(
    'UNKNOWN_TOPIC',
    `there is no topic ${name}; list those that are there, or create or adopt it`,
  )
}

export function unknownCluster(name: string, known: Iterable<string>): Refusal {
  const names = [...known].sort()
  return new Refusal(
    'UNKNOWN_CLUSTER',
    names.length === 0
      ? `there is no cluster ${name}, and no other: register one first`
      : `there is no cluster ${name}; registered are ${names.join(', ')}`,
  )
}
