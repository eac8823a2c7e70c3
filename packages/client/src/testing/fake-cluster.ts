import { type ClusterConnections, ConnectionError, type OnAnswer } from '@braid/kafka-connection'
import {
  type AnyApi,
  errorCodes,
  fetch,
  heartbeat,
  joinGroup,
  leaveGroup,
  offsetCommit,
  offsetFetch,
  Reader,
  syncGroup,
  Writer,
} from '@braid/kafka-protocol'

export type Fate = 'lives' | 'killed' | 'paused'
type Request = Record<string, unknown>

const apis = new Map<number, AnyApi>(
  [fetch, heartbeat, joinGroup, leaveGroup, offsetCommit, offsetFetch, syncGroup].map((api) => [
    api.key,
    api as unknown as AnyApi,
  ]),
)

/** A cluster that keeps groups of one member, and topics without records. */
export class FakeCluster {
  readonly name: string
  fate: Fate = 'lives'
  /** Topics whose commits were asked for, by the names that they have here. */
  readonly fetchedFor: string[] = []
  #member = ''
  #members = 0
  readonly #waiting = new Set<OnAnswer>()

  constructor(name: string) {
    this.name = name
  }

  /** `killed`: everything breaks, and nobody is let in. `paused`: nothing is answered any more. */
  meets(fate: Fate): void {
    this.fate = fate
    if (fate === 'killed') for (const onAnswer of this.#waiting) this.#break(onAnswer)
  }

  connections(): ClusterConnections {
    const open = async () => {
      if (this.fate === 'paused') await new Promise(() => {})
      if (this.fate === 'killed')
        throw new ConnectionError('CONNECT_FAILED', 'refused', { cluster: this.name })
      return this.#connection()
    }
    return {
      name: this.name,
      leader: () => 1,
      invalidate: () => {},
      refreshMetadata: async () => {},
      coordinator: async () => 1,
      invalidateCoordinator: () => {},
      open,
      shared: open,
      destroy: () => {},
      close: async () => {},
    } as unknown as ClusterConnections
  }

  #connection() {
    const send = (key: number, version: number, parts: readonly Buffer[], onAnswer: OnAnswer) => {
      if (this.fate === 'paused') return
      if (this.fate === 'killed') return this.#break(onAnswer)
      this.#waiting.add(onAnswer)
      const api = apis.get(key)!
      const request = api.decodeRequest(new Reader(Buffer.concat(parts as Buffer[])), version) as Request
      setTimeout(
        () => {
          if (!this.#waiting.delete(onAnswer) || this.fate !== 'lives') return
          const w = new Writer()
          api.encodeResponse(w, version, this.#answer(api, request) as never)
          onAnswer(null, w.finish(), 0)
        },
        key === fetch.key ? 200 : 2,
      )
    }
    return {
      address: `${this.name}:1`,
      closed: false,
      send,
      call: (api: AnyApi, request: Request, { version = api.maxVersion }: { version?: number }) =>
        new Promise((resolve, reject) => {
          const w = new Writer()
          api.encodeRequest(w, version, request as never)
          send(api.key, version, [w.finish()], (error, frame, bodyAt) => {
            if (error !== null) reject(error)
            else resolve(api.decodeResponse(new Reader(frame, bodyAt), version))
          })
        }),
      destroy: () => {},
    }
  }

  #break(onAnswer: OnAnswer): void {
    this.#waiting.delete(onAnswer)
    const error = new ConnectionError('CLOSED', `${this.name} broke`, { cluster: this.name })
    setImmediate(onAnswer, error, Buffer.alloc(0), 0)
  }

  #answer(api: AnyApi, request: Request): object {
    const known = request.memberId === this.#member && this.#member !== ''
    const errorCode = known ? 0 : errorCodes.UNKNOWN_MEMBER_ID
    switch (api.key) {
      case joinGroup.key: {
        const failure = { protocolType: null, protocolName: '', leader: '', generationId: -1, members: [] }
        if (!known && request.memberId !== '') return { ...failure, errorCode, memberId: '' }
        this.#member = `${this.name}-${++this.#members}`
        const memberId = this.#member
        const [{ name, metadata }] = request.protocols as [{ name: string; metadata: Buffer }]
        return {
          ...failure,
          errorCode: 0,
          generationId: 1,
          protocolName: name,
          leader: memberId,
          memberId,
          members: [{ memberId, groupInstanceId: null, metadata }],
        }
      }
      case syncGroup.key: {
        const [first] = request.assignments as { assignment: Buffer }[]
        return {
          errorCode,
          protocolType: null,
          protocolName: null,
          assignment: first?.assignment ?? Buffer.alloc(0),
        }
      }
      case leaveGroup.key:
        return { errorCode, members: [] }
      case offsetCommit.key: {
        const topics = request.topics as {
          name: string
          partitions: { partitionIndex: number }[]
        }[]
        return {
          topics: topics.map(({ name, partitions }) => ({
            name,
            partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
          })),
        }
      }
      case offsetFetch.key: {
        const topics = request.topics as { name: string; partitionIndexes: number[] }[]
        this.fetchedFor.push(...topics.map(({ name }) => name))
        return {
          errorCode: 0,
          topics: topics.map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map((partitionIndex) => ({
              partitionIndex,
              committedOffset: 41n,
              metadata: '',
              errorCode: 0,
            })),
          })),
        }
      }
      case fetch.key: {
        const topics = request.topics as {
          topic: string
          partitions: { partition: number; fetchOffset: bigint }[]
        }[]
        return {
          errorCode: 0,
          sessionId: 0,
          responses: topics.map(({ topic, partitions }) => ({
            topic,
            partitions: partitions.map(({ partition, fetchOffset }) => ({
              partitionIndex: partition,
              errorCode: 0,
              highWatermark: fetchOffset,
              lastStableOffset: fetchOffset,
              logStartOffset: 0n,
              abortedTransactions: null,
              records: Buffer.alloc(0),
            })),
          })),
        }
      }
      default:
        return { errorCode }
    }
  }
}
