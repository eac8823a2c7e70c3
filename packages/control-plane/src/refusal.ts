import { defaultTenant, type Problem, type ProblemCode } from '@braid/control-api'

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

export function unknownTopic(name: string, tenant: string = defaultTenant): Refusal {
  return new Refusal(
    'UNKNOWN_TOPIC',
    `tenant ${tenant} has no topic ${name}; list those that are there, or create or adopt it`,
  )
}

/** Also what is said of one that the caller does not see: the two cannot be told apart. */
export function unknownTenant(name: string): Refusal {
  return new Refusal(
    'UNKNOWN_TENANT',
    `there is no tenant ${name} that you can see; list those that are there`,
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

/** Of whatever needs a cluster that is given up. */
export function givenUp(name: string): Refusal {
  return new Refusal(
    'CLUSTER_GIVEN_UP',
    `${name} was given up: nothing moves there or away until it is taken back with a return`,
  )
}
