/** Why clusters cannot be had or broke; the message says what is missing and what to do. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: ClusterErrorCode

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type ClusterErrorCode =
  | 'BAD_SPEC'
  | 'NO_PROVIDER'
  | 'NO_ENGINE'
  | 'NO_IMAGE'
  | 'NO_JAVA'
  | 'NO_OPENSSL'
  | 'NO_MAVEN'
  | 'JARS_FAILED'
  | 'PORT_TAKEN'
  | 'BROKER_ENDED'
  | 'NOT_READY'
  | 'STOPPED'
