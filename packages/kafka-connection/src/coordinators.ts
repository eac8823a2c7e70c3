import { errorCodes, findCoordinator } from '@braid/kafka-protocol'
import { backoffMs } from './backoff.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { ConnectionError } from './errors.ts'
import type { ConnectionOptions } from './options.ts'
import { brokerError } from './rights.ts'
import type { Waits } from './waits.ts'

/** Versions up to here ask for one group; the batched form (4+) has nothing for us. */
const FIND_COORDINATOR_CAP = 3

/** Which broker coordinates a group, cached. */
export class Coordinators {
  readonly #cluster: string
  readonly #any: () => Promise<BrokerConnection>
  readonly #options: ConnectionOptions
  readonly #waits: Waits
  readonly #known = new Map<string, number>()
  readonly #asking = new Map<string, Promise<number>>()

  constructor(
    cluster: string,
    any: () => Promise<BrokerConnection>,
    options: ConnectionOptions,
    waits: Waits,
  ) {
    this.#cluster = cluster
    this.#any = any
    this.#options = options
    this.#waits = waits
  }

  find(groupId: string): Promise<number> {
    const known = this.#known.get(groupId)
    if (known !== undefined) return Promise.resolve(known)
    let asking = this.#asking.get(groupId)
    if (asking === undefined) {
      if (this.#asking.size >= this.#options.maxCachedGroups) {
        const what = `is asked for the coordinators of ${this.#asking.size} groups at once: try again later`
        return Promise.reject(this.#error('OVERLOADED', what))
      }
      asking = this.#find(groupId).finally(() => this.#asking.delete(groupId))
      this.#asking.set(groupId, asking)
    }
    return asking
  }

  invalidate(groupId: string): void {
    this.#known.delete(groupId)
  }

  async #find(groupId: string): Promise<number> {
    const startedMs = this.#options.clock.now()
    for (let tries = 1; ; tries++) {
      let failure: ConnectionError
      try {
        const answer = await this.#ask(groupId)
        if (answer.errorCode === 0) {
          this.#remember(groupId, answer.nodeId)
          return answer.nodeId
        }
        const why = answer.errorMessage === 'NONE' ? null : answer.errorMessage
        const what = `${this.#cluster} did not name a coordinator for group ${groupId}`
        const needed = { operation: 'Describe', resource: 'Group', name: groupId } as const
        failure = brokerError(this.#cluster, what, answer.errorCode, needed, why)
        // The topic that holds commits may be in the making, or its leader on the way.
        const passing =
          answer.errorCode === errorCodes.COORDINATOR_NOT_AVAILABLE ||
          answer.errorCode === errorCodes.COORDINATOR_LOAD_IN_PROGRESS
        if (!passing) throw failure
      } catch (error) {
        if (!(error instanceof ConnectionError) || error === failure!) throw error
        failure = error
      }
      const overdue = this.#options.clock.now() - startedMs >= this.#options.metadataTimeoutMs
      if (overdue || this.#waits.closed) throw failure
      await this.#waits.wait(backoffMs(tries, this.#options))
    }
  }

  async #ask(groupId: string) {
    const connection = await this.#any()
    const version = connection.versionOf(findCoordinator, FIND_COORDINATOR_CAP)
    const options = { version, timeoutMs: this.#options.lookupTimeoutMs }
    return connection.call(findCoordinator, { key: groupId, keyType: 0 }, options)
  }

  #remember(groupId: string, brokerId: number): void {
    this.#known.set(groupId, brokerId)
    if (this.#known.size <= this.#options.maxCachedGroups) return
    const oldest = this.#known.keys().next()
    if (!oldest.done) this.#known.delete(oldest.value)
  }

  #error(code: 'OVERLOADED', what: string): ConnectionError {
    return new ConnectionError(code, `${this.#cluster} ${what}`, { cluster: this.#cluster })
  }
}
