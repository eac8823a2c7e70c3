/** Every way in which bytes can be wrong. Stable: callers decide by it. */
export type ProtocolErrorCode =
  | 'TRUNCATED' // the bytes end before the field does
  | 'FRAME_TOO_LARGE' // a frame claims more than the reader's bound
  | 'BAD_LENGTH' // a length or count that cannot be true, or that the format cannot write
  | 'BAD_VARINT' // more bytes, or more bits, than the type has
  | 'BAD_NULL' // null where this version has no null
  | 'TOO_MANY_ELEMENTS' // more objects than a reader is willing to make of one frame
  | 'UNSUPPORTED_API'
  | 'UNSUPPORTED_VERSION'
  | 'BAD_BATCH' // a record batch whose header contradicts itself
  | 'BAD_CRC'
  | 'UNSUPPORTED_MESSAGE_FORMAT' // message sets of before batch v2
  | 'UNSUPPORTED_COMPRESSION'

/** What is known of the request when its header could be read in part; enough to answer it. */
export interface FailedRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
}

/** The one error of this package: bytes that do not say what they should, and where. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  /** Position in the buffer that was read (or length written so far) at which it was found. */
  readonly at: number
  /** Set by readRequestHeader: an unsupported version can still be answered. */
  readonly request: FailedRequest | undefined

  constructor(code: ProtocolErrorCode, at: number, detail: string, request?: FailedRequest) {
    super(`${code} at byte ${at}: ${detail}`)
    this.code = code
    this.at = at
    this.request = request
  }

  get correlationId(): number | undefined {
    return this.request?.correlationId
  }
}
