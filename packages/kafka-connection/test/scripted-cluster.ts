import { errorCodes, findCoordinator, listOffsets, metadata } from '@braid/kafka-protocol'
import { afterVersions, type Received, ScriptedBroker } from './scripted-broker.ts'

/** Several scripted brokers that tell one story: who leads what, who coordinates. */
export class ScriptedCluster {
  readonly brokers: ScriptedBroker[]
  /** leader by partition */
  readonly topics = new Map<string, number[]>()
  /** answers come before those below; true when it answered (or wants silence) */
  script: (request: Received, brokerId: number) => boolean = () => false
  coordinatorId = 1
  /** what brokers say of their addresses; the true ones when absent */
  advertisedPort: ((brokerId: number) => number) | undefined
  metadataRequests: string[][] = []

  private constructor(brokers: ScriptedBroker[]) {
    this.brokers = brokers
    for (const [i, broker] of brokers.entries()) {
      broker.script = afterVersions((request) => this.script(request, i + 1) || this.#answer(request))
    }
  }

  static async start(count: number): Promise<ScriptedCluster> {
    return new ScriptedCluster(await Promise.all(Array.from({ length: count }, () => ScriptedBroker.start())))
  }

  get bootstrap(): string[] {
    return this.brokers.map((broker) => broker.address)
  }

  broker(id: number): ScriptedBroker {
    return this.brokers[id - 1]!
  }

  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()))
  }

  #answer(request: Received): void {
    if (request.apiKey === metadata.key) {
      this.#answerMetadata(request)
    } else if (request.apiKey === findCoordinator.key) {
      request.answerWith(findCoordinator, { nodeId: this.coordinatorId })
    } else if (request.apiKey === listOffsets.key) {
      request.answerWith(listOffsets, {
        topics: request.read(listOffsets).topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0, offset: 7n })),
        })),
      })
    } else {
      request.socket.destroy()
    }
  }

  #answerMetadata(request: Received): void {
    const asked = request.read(metadata)
    if (asked.allowAutoTopicCreation) throw new Error('a request that might create topics')
    const names = (asked.topics ?? []).map((topic) => topic.name ?? '')
    this.metadataRequests.push(names)
    request.answerWith(metadata, {
      brokers: this.brokers.map((broker, i) => ({
        nodeId: i + 1,
        host: '127.0.0.1',
        port: this.advertisedPort?.(i + 1) ?? broker.port,
      })),
      clusterId: 'scripted',
      controllerId: 1,
      topics: names.map((name) => {
        const leaders = this.topics.get(name)
        return {
          errorCode: leaders === undefined ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : 0,
          name,
          partitions: (leaders ?? []).map((leaderId, partitionIndex) => ({
            errorCode: leaderId < 0 ? errorCodes.LEADER_NOT_AVAILABLE : 0,
            partitionIndex,
            leaderId,
            replicaNodes: [],
            isrNodes: [],
          })),
        }
      }),
    })
  }
}
