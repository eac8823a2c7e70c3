export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code: 'ADDRESS_IN_USE' | 'LISTEN_FAILED'
  /** What the address is for: `bootstrap`, a cluster, or `metrics`. */
  readonly purpose: string

  constructor(code: ListenError['code'], purpose: string, message: string, cause: unknown) {
    super(message, { cause })
    this.code = code
    this.purpose = purpose
  }

  /** @param option the flag that chooses the address */
  static of(error: NodeJS.ErrnoException, purpose: string, address: string, option: string): ListenError {
    return error.code === 'EADDRINUSE'
      ? new ListenError(
          'ADDRESS_IN_USE',
          purpose,
          `the ${purpose} listener cannot use ${address}: another process listens there; stop it or choose another ${option}`,
          error,
        )
      : new ListenError(
          'LISTEN_FAILED',
          purpose,
          `the ${purpose} listener cannot listen at ${address}: ${error.message}; choose an address of this machine, and a port that this user may take, with ${option}`,
          error,
        )
  }
}
