import { LineProcess } from '../components/line-process.ts'
import { programOf, type RunningProxy } from '../components/running.ts'

/** A process between the load and the broker, or none. */
export interface InTheMiddle {
  readonly name: 'direct' | 'floor' | 'proxy'
  /** host:port that the load connects to, and nothing else: it follows no metadata. */
  readonly address: string
  /** How the topic is called there. */
  topicName(topic: { logical: string; physical: string }): string
  /** User and system time so far, seconds; undefined where no process stands in the middle. */
  cpuSeconds(): Promise<number | undefined>
  stop(): Promise<void>
}

const readyMaxMs = 15_000
const cpuMaxMs = 10_000

export function nothing(broker: string): InTheMiddle {
  return {
    name: 'direct',
    address: broker,
    topicName: ({ physical }) => physical,
    cpuSeconds: async () => undefined,
    stop: async () => {},
  }
}

export async function startFloor(broker: string): Promise<InTheMiddle> {
  const child = await LineProcess.start({
    name: 'forwarder',
    command: process.execPath,
    args: [programOf('../bench/forwarder.ts'), JSON.stringify({ to: broker })],
  })
  const ready = await child.waitFor('ready', (line) => line.event === 'ready', readyMaxMs)
  return {
    name: 'floor',
    address: String(ready.address),
    topicName: ({ physical }) => physical,
    cpuSeconds: () => cpuSecondsOf(child),
    stop: () => child.stop(),
  }
}

/** At the listener that leads to the topic's cluster, as a client's connections are. */
export function proxyInTheMiddle(proxy: RunningProxy, cluster: string): InTheMiddle {
  const address = proxy.listeners[cluster]
  if (address === undefined) throw new Error(`${proxy.id} has no listener to cluster ${cluster}`)
  return {
    name: 'proxy',
    address,
    topicName: ({ logical }) => logical,
    cpuSeconds: () => cpuSecondsOf(proxy.process),
    stop: async () => {},
  }
}

let asks = 0

async function cpuSecondsOf(child: LineProcess): Promise<number> {
  const ask = ++asks
  const answer = child.waitFor('its CPU time', (line) => line.event === 'cpu' && line.ask === ask, cpuMaxMs)
  child.send({ do: 'cpu', ask })
  const { user, system } = await answer
  return (Number(user) + Number(system)) / 1_000_000
}
