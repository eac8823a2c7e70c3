import { type BrokerConnection, defaultOptions, openConnection } from '@braid/kafka-connection'
import { errorCodes, metadata } from '@braid/kafka-protocol'
import { formatAddress, parseAddress } from '@braid/routing-model'
import { reasonOf } from '../log.ts'
import type { Operation } from './checks.ts'
import { writeAndRead } from './write-and-read.ts'

export interface Probed {
  readonly ok: boolean
  readonly why: string | undefined
  readonly latenciesMs: readonly (readonly [Operation, number])[]
}

export interface ProbeOptions {
  /** `host:port` */
  readonly address: string
  /** A topic that a record is written to and read from, where the listener's tenant has it and this listener leads it. */
  readonly topic: string | undefined
  readonly timeoutMs: number
  /** Monotonic, ms. */
  readonly now: () => number
}

/**
 * Does through a listener what clients do first: connects anew, agrees on versions, asks for metadata; and then, where it
 * can, writes a record and reads it back. Never rejects. Listeners do not ask who one is.
 */
export async function probeListener({ address, topic, timeoutMs, now }: ProbeOptions): Promise<Probed> {
  const latenciesMs: [Operation, number][] = []
  let connection: BrokerConnection | undefined
  const startedMs = now()
  try {
    const at = parseAddress(address)
    if (at === undefined) throw new TypeError(`listener ${address} is not host:port`)
    const options = { ...defaultOptions, clientId: 'braid-monitor', connectTimeoutMs: timeoutMs }
    const opened = await openConnection(
      {
        cluster: 'listener',
        brokerId: -1,
        address,
        ...at,
        signal: new AbortController().signal,
      },
      options,
    )
    connection = opened.connection
    latenciesMs.push(['connect', now() - startedMs])
    const askedMs = now()
    const topics = topic === undefined ? [] : [{ name: topic }]
    const answer = await connection.call(metadata, { topics, allowAutoTopicCreation: false }, { timeoutMs })
    latenciesMs.push(['metadata', now() - askedMs])
    const own = answer.brokers.find((broker) => formatAddress(broker) === address)?.nodeId
    const described = answer.topics.find(({ errorCode }) => errorCode === errorCodes.NONE)
    const led = described?.partitions.find(({ leaderId }) => leaderId === own)
    if (topic === undefined || own === undefined || led === undefined)
      return { ok: true, why: undefined, latenciesMs }
    const checked = await writeAndRead(connection, topic, [led.partitionIndex], timeoutMs, now)
    if (checked.producedMs !== undefined) latenciesMs.push(['produce', checked.producedMs])
    if (checked.fetchedMs !== undefined) latenciesMs.push(['fetch', checked.fetchedMs])
    return { ok: checked.why === undefined, why: checked.why, latenciesMs }
  } catch (error) {
    return { ok: false, why: reasonOf(error), latenciesMs }
  } finally {
    connection?.destroy('the check is over')
  }
}
