import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import type { FromChild, FromParent, ProcessSpec } from './control-plane-process.ts'
import type { FakeCluster } from './fake-cluster.ts'
import { quick } from './test-plane.ts'

export interface StartedProcess {
  readonly url: string
  /** When a migration came to where it is held. */
  readonly held: Promise<void>
  kill(): Promise<void>
}

/** A control plane in a process of its own, on clusters in ours. */
export async function startProcess(
  clusters: Readonly<Record<string, FakeCluster>>,
  spec: Pick<ProcessSpec, 'store' | 'holdAt'>,
): Promise<StartedProcess> {
  const whole: ProcessSpec = { ...spec, timings: quick }
  const child = fork(new URL('./control-plane-process.ts', import.meta.url), [JSON.stringify(whole)], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
  })
  const held = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<string>()
  child.on('message', (message: FromChild) => {
    if (message.kind === 'ready') ready.resolve(message.url)
    if (message.kind === 'held') held.resolve()
    if (message.kind === 'call') void answer(child, clusters, message)
  })
  child.once('exit', () => ready.reject(new Error('the control plane process ended before it was ready')))
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  onTestFinished(kill)
  return { url: await ready.promise, held: held.promise, kill }
}

async function answer(
  child: ChildProcess,
  clusters: Readonly<Record<string, FakeCluster>>,
  call: Extract<FromChild, { kind: 'call' }>,
): Promise<void> {
  const cluster = clusters[call.cluster.replace(/:\d+$/, '')] as unknown as Record<
    string,
    (...args: unknown[]) => Promise<unknown>
  >
  let reply: FromParent
  try {
    // What came over the channel as bytes is a Uint8Array there.
    const args = call.args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg) : arg))
    reply = { id: call.id, value: await cluster[call.method]!(...args) }
  } catch (error) {
    reply = { id: call.id, error: (error as Error).message }
  }
  if (child.connected) child.send(reply)
}
