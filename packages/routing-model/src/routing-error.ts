/** Everything that can be wrong with a chain, a route or a delta. Stable: callers may switch on it. */
export type RoutingErrorCode =
  | 'BAD_CHAIN'
  | 'BAD_CUT'
  | 'BAD_DELTA'
  | 'BAD_NUMBER'
  | 'BAD_OFFSET'
  | 'BAD_ROUTE'
  | 'DUPLICATE'
  | 'OUT_OF_RANGE'
  | 'TOPIC_REUSED'
  | 'UNKNOWN_ACCESS_POINT'
  | 'UNKNOWN_CLUSTER'
  | 'UNKNOWN_TENANT'
  | 'UNKNOWN_TOPIC'
  | 'WRONG_VERSION'

export class RoutingError extends Error {
  override readonly name = 'RoutingError'
  readonly code: RoutingErrorCode

  constructor(code: RoutingErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
