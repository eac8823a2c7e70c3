import { Duplex } from 'node:stream'
import type { ByteSink, Engine, Session } from '@braid/virtual-cluster'

/** The socket that KafkaJS talks to: what it writes goes to a session of the engine in this process. */
export class EngineSocket extends Duplex {
  readonly #session: Session
  #paused = false
  #waiting: (() => void) | undefined

  constructor(engine: Engine, peer: string, onConnect: () => void) {
    super({ readableHighWaterMark: 1024 * 1024, writableHighWaterMark: 1024 * 1024 })
    const sink: ByteSink = {
      peer,
      write: (parts) => {
        let room = true
        for (const part of parts) room = this.push(part)
        return room
      },
      pauseReading: () => {
        this.#paused = true
      },
      resumeReading: () => {
        this.#paused = false
        const waiting = this.#waiting
        this.#waiting = undefined
        // Not from within: whoever lets us go on is in the middle of something.
        if (waiting !== undefined) process.nextTick(waiting)
      },
      destroy: () => {
        this.destroy()
      },
    }
    this.#session = engine.openSession(sink)
    // KafkaJS sets up its handlers after the factory returns.
    setImmediate(() => {
      if (this.destroyed) return
      this.emit('connect')
      onConnect()
    })
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#session.receive(chunk)
    if (this.#paused) this.#waiting = done
    else done()
  }

  override _read(): void {
    this.#session.drained()
  }

  override _final(done: () => void): void {
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#session.close()
    done(error)
  }

  // A TCP socket has these; there is no wire here to tune.
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  setTimeout(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}
