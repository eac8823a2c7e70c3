/** A request and its answer as they went over the wire, without the four bytes of size. */
export interface Exchange {
  readonly apiKey: number
  readonly version: number
  /** Who asked: a real client with its version, or `braid` for our own calls. */
  readonly client: string
  readonly request: Buffer
  readonly response: Buffer
}
