import type { Api, ApiVersions } from './api.ts'
import type { ConnectionError } from './errors.ts'

/**
 * `frame` is the whole answer without its 4 size bytes, `bodyAt` where the body starts (behind the header).
 * The frame is the callee's: it may be kept, and nothing writes to it again.
 * With an error, `frame` is empty.
 */
export type OnAnswer = (error: ConnectionError | null, frame: Buffer, bodyAt: number) => void

const later = (): never => {
  throw new Error('not written yet')
}

/** One socket to one broker; requests are pipelined and answered in order. */
export class BrokerConnection {
  readonly cluster: string
  readonly brokerId: number
  /** host:port */
  readonly address: string
  /** Called when `writable` is true again after it was false. */
  onDrain: (() => void) | undefined

  private constructor(cluster: string, brokerId: number, address: string) {
    this.cluster = cluster
    this.brokerId = brokerId
    this.address = address
  }
  /** The highest version that both sides speak, at most `cap`; throws UNSUPPORTED_VERSION. */
  versionOf(_api: ApiVersions, _cap?: number): number {
    return later()
  }
  send(
    _apiKey: number,
    _apiVersion: number,
    _parts: readonly Buffer[],
    _onAnswer: OnAnswer,
    _timeoutMs: number,
  ): void {
    later()
  }
  call<Q, A>(_api: Api<Q, A>, _request: Q, _options?: { version?: number; timeoutMs?: number }): Promise<A> {
    return later()
  }
  get inflight(): number {
    return later()
  }
  get writableBytes(): number {
    return later()
  }
  /** false: at a bound. Stop reading your client until `onDrain`; what is sent regardless fails with OVERLOADED. */
  get writable(): boolean {
    return later()
  }
  get closed(): boolean {
    return later()
  }
  /** Stops reading from the broker; the deadline rests meanwhile. Frames that were read already still arrive. */
  pause(): void {
    later()
  }
  resume(): void {
    later()
  }
  /** Waits (bounded) for answers under way, then closes. Never rejects. */
  close(): Promise<void> {
    return later()
  }
  /** Closes now; what is under way fails with CLOSED and this reason. */
  destroy(_reason: string): void {
    later()
  }
  /** Called once, after everything under way has failed; at once (next tick) when already closed. */
  onClose(_listener: (error: ConnectionError) => void): void {
    later()
  }
}
