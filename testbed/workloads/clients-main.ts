/** A client process: KafkaJS producers, a KafkaJS group, or both. Started by clients-process.ts. */
import { connect as tcpConnect } from 'node:net'
import { FrameReader } from '@braid/kafka-protocol'
import { type ISocketFactory, Kafka, logLevel } from 'kafkajs'
import { argument, closeWithParent, onMessage, sayLine } from '../components/child-side.ts'
import { Recorder } from '../history/recorder.ts'
import type { ClientsSpec, Route } from './clients-process.ts'
import { startKafkajsGroup } from './kafkajs-group.ts'
import { KafkajsLog } from './kafkajs-log.ts'
import { startKafkajsProducers } from './kafkajs-producers.ts'

const progressEveryMs = 250
const answerMaxBytes = 64 * 1024 * 1024

// KafkaJS 2.2.4 computes negative timeouts, which Node 24 warns of on every one.
process.removeAllListeners('warning')

const spec = argument<ClientsSpec>()
const log = new KafkajsLog()
const { kafka, disconnect } = await open(spec.route)
const recorder = new Recorder({ file: spec.historyFile })
closeWithParent(() => recorder.close())

const group = spec.group && (await startKafkajsGroup(kafka, recorder, spec.group))
const producers = spec.producers && (await startKafkajsProducers(kafka, recorder, spec.producers))
const progress = setInterval(() => {
  sayLine({
    event: 'progress',
    sent: producers?.sent ?? 0,
    acknowledged: producers?.acknowledged ?? 0,
    received: group?.received ?? 0,
  })
}, progressEveryMs)
sayLine({ event: 'ready' })

onMessage((message) => {
  void take(message).catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})

async function take(message: Readonly<Record<string, unknown>>): Promise<void> {
  if (message.do === 'stop producing') {
    await producers?.stop()
    sayLine({ event: 'stopped producing' })
  }
  if (message.do === 'catch up') {
    sayLine({ event: 'caught up', yes: (await group?.caughtUp(Number(message.maxMs))) ?? true })
  }
  if (message.do === 'tell log') sayLine({ event: 'log', log: log.entries })
  if (message.do === 'finish') {
    clearInterval(progress)
    await group?.stop()
    await disconnect()
    await recorder.close()
    sayLine({ event: 'finished', log: log.entries })
    process.exit(0)
  }
}

async function open(route: Route): Promise<{ kafka: Kafka; disconnect(): Promise<void> }> {
  const settings = { clientId: spec.name, logLevel: logLevel.ERROR, logCreator: log.creator }
  if ('bootstrap' in route) {
    const { through } = spec
    const detour = through === undefined ? {} : { socketFactory: connectThrough(through) }
    const kafka = new Kafka({ ...settings, ...detour, brokers: [...route.bootstrap] })
    return { kafka, disconnect: async () => {} }
  }
  const { connect } = await import('@braid/client')
  const braid = await connect({ controlPlane: route.controlPlane })
  return { kafka: braid.kafka(settings), disconnect: () => braid.close() }
}

/**
 * As KafkaJS connects, but to where an address's connections are to go, and handing it whole answers only: KafkaJS
 * 2.2.4 keeps half an answer of a connection that was lost, and takes it for the beginning of the next connection's
 * first (Connection.processData), whoever it talks to.
 */
function connectThrough(through: Readonly<Record<string, string>>): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const [viaHost = host, viaPort = port] = through[`${host}:${port}`]?.split(':') ?? []
    const socket = tcpConnect({ host: viaHost, port: Number(viaPort), noDelay: true }, onConnect)
    const frames = new FrameReader({ maxFrameBytes: answerMaxBytes })
    const listen = socket.on.bind(socket)
    socket.on = ((event: string, listener: (bytes: Buffer) => void) => {
      if (event !== 'data') return listen(event, listener)
      return listen('data', (chunk: Buffer) => frames.push(chunk, (frame) => listener(withSize(frame))))
    }) as typeof socket.on
    return socket.setKeepAlive(true, 60_000)
  }
}

function withSize(frame: Buffer): Buffer {
  const sized = Buffer.allocUnsafe(4 + frame.length)
  sized.writeInt32BE(frame.length)
  frame.copy(sized, 4)
  return sized
}
