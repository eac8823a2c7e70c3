import type { Right } from './rights.ts'

/**
 * What can go wrong between us and a cluster. The code is stable; the message says what failed, where, and what to do.
 */
export type ConnectionErrorCode =
  /** No socket could be opened, or the broker did not answer the negotiation in time. */
  | 'CONNECT_FAILED'
  /** No TLS with this broker: whom it was issued by or for is not what we expect, or it does not speak TLS (or only). */
  | 'TLS_FAILED'
  /** The broker does not take our user, password or mechanism, or could not prove that it knows the password. */
  | 'AUTHENTICATION_FAILED'
  /** A password, certificate or key cannot be read from where the cluster's security says that it is. */
  | 'SECRET_MISSING'
  /** The connection was closed while the request was under way: it may or may not have been carried out. */
  | 'CLOSED'
  /** The broker did not answer in time: the request may or may not have been carried out. */
  | 'TIMED_OUT'
  /** The broker has no version of this API in common with us. */
  | 'UNSUPPORTED_VERSION'
  /** The cluster's ACLs do not let our user do this; `missing` says which right it lacks. */
  | 'NOT_AUTHORIZED'
  /** The broker answered with another error; `kafkaError` is its number. */
  | 'BROKER_ERROR'
  /** No leader is known for a partition, after all tries. */
  | 'NO_LEADER'
  /** The cluster does not have this topic (or partition), after all tries. */
  | 'UNKNOWN_TOPIC'
  /** The broker sent bytes that are not an answer: wrong correlation id, impossible length, undecodable body. */
  | 'BAD_ANSWER'
  /** A bound of this package was reached; the request was not sent. */
  | 'OVERLOADED'

export interface ConnectionErrorFacts {
  readonly cluster: string
  /** host:port, where the error belongs to one broker */
  readonly broker?: string | undefined
  /** Kafka's error code, for BROKER_ERROR and what follows from one (see errorCodes of @braid/kafka-protocol) */
  readonly kafkaError?: number | undefined
  /** For NOT_AUTHORIZED. */
  readonly missing?: Right | undefined
  readonly cause?: unknown
}

export class ConnectionError extends Error {
  readonly code: ConnectionErrorCode
  readonly cluster: string
  readonly broker: string | undefined
  readonly kafkaError: number | undefined
  readonly missing: Right | undefined

  constructor(code: ConnectionErrorCode, message: string, facts: ConnectionErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'ConnectionError'
    this.code = code
    this.cluster = facts.cluster
    this.broker = facts.broker
    this.kafkaError = facts.kafkaError
    this.missing = facts.missing
  }
}

/** What is wrong with how we connect, rather than with the cluster: it stays until somebody changes something. */
export function isMisconfiguration(error: unknown): error is ConnectionError {
  return error instanceof ConnectionError && misconfigurations.has(error.code)
}

const misconfigurations: ReadonlySet<ConnectionErrorCode> = new Set([
  'TLS_FAILED',
  'AUTHENTICATION_FAILED',
  'SECRET_MISSING',
])
