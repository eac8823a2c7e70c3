import type { Socket } from 'node:net'
import type { RouteTable } from '@braid/routing-model'
import {
  type Limits,
  type ListenerAddress,
  type Listeners,
  type Log,
  startRoutedEngine,
} from '@braid/virtual-cluster'
import { Kafka, type KafkaConfig } from 'kafkajs'
import { EngineSocket } from './kafkajs-socket.ts'

export interface ConnectOptions {
  /** URL of the control plane, like `http://127.0.0.1:7070`; several, as a list or with commas, when they share a store. */
  readonly controlPlane: string | readonly string[]
  /** Whose topics you see; `default` when absent. */
  readonly tenant?: string
  readonly token?: string
  /** Where the last route table is kept, for a start while the control plane is away. */
  readonly routesFile?: string
  readonly log?: Log
  readonly limits?: Partial<Limits>
}

/** KafkaJS' own configuration, without what is decided here: where brokers are and how they are reached. */
export type BraidKafkaConfig = Omit<KafkaConfig, 'brokers' | 'socketFactory' | 'ssl' | 'sasl'>

export interface Braid {
  /** A KafkaJS `Kafka`: everything that KafkaJS does works, as KafkaJS itself runs on top. */
  kafka(config?: BraidKafkaConfig): Kafka
  /** Ends every connection, those of clients made here too. Disconnect them first. */
  close(): Promise<void>
}

const PORT = 9092

/**
 * The SDK: KafkaJS with Braid's engine in the same process. No port is opened.
 *
 * @throws ControlPlaneError when there is no route table, neither from the control plane nor on disk.
 */
export async function connect(options: ConnectOptions): Promise<Braid> {
  let listeners: ClusterNames | undefined
  const routed = await startRoutedEngine({
    ...options,
    clientId: 'braid-sdk',
    listeners: (table) => {
      listeners = new ClusterNames(table)
      return listeners
    },
    onRoutes: (table) => listeners?.routed(table),
  })
  const socketFactory: KafkaConfig['socketFactory'] = ({ host, port, onConnect }) =>
    new EngineSocket(routed.engine, `${host}:${port}`, onConnect) as unknown as Socket
  return {
    kafka: (config = {}) => new Kafka({ ...config, brokers: [`bootstrap.braid:${PORT}`], socketFactory }),
    close: () => routed.close(),
  }
}

/** Each cluster is a broker of a made-up name: no socket is opened, so nothing has to resolve. */
class ClusterNames implements Listeners {
  #table: RouteTable

  constructor(table: RouteTable) {
    this.#table = table
  }

  routed(table: RouteTable): void {
    this.#table = table
  }

  towards(cluster: string): ListenerAddress | undefined {
    const route = this.#table.clusters.get(cluster)
    return route === undefined ? undefined : { nodeId: route.number, host: `${cluster}.braid`, port: PORT }
  }

  all(): readonly ListenerAddress[] {
    return Array.from(this.#table.clusters.values(), ({ name, number }) => ({
      nodeId: number,
      host: `${name}.braid`,
      port: PORT,
    }))
  }
}
