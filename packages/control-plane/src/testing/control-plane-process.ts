// A control plane as a process of its own, to be killed. Its clusters are the parent's, asked over the channel
// between the two; so what it did to them outlives it. Started by started-process.ts.
import type { KafkaCluster } from '../clusters/kafka-cluster.ts'
import { startControlPlane } from '../start.ts'
import type { Timings } from '../timings.ts'

export interface ProcessSpec {
  readonly store: string
  readonly timings: Partial<Timings>
  /** Where a migration is held for ever; the parent hears of it. */
  readonly holdAt: { readonly step: string; readonly phase: string } | null
}

export type FromChild =
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'held' }
  | {
      readonly kind: 'call'
      readonly id: number
      readonly cluster: string
      readonly method: string
      readonly args: unknown[]
    }
export type FromParent = { readonly id: number; readonly value?: unknown; readonly error?: string }

const spec = JSON.parse(process.argv[2] ?? '') as ProcessSpec
const calls = new Map<number, (answer: FromParent) => void>()
let ids = 0
process.on('message', (answer: FromParent) => {
  calls.get(answer.id)?.(answer)
  calls.delete(answer.id)
})
process.on('disconnect', () => process.exit())
const tell = (message: FromChild) => process.send?.(message)

/** Every method of the cluster that is called so in the parent. */
function remote(bootstrap: string, name: string): KafkaCluster {
  const call = (method: string, args: unknown[]) =>
    new Promise((resolve, reject) => {
      const id = ++ids
      calls.set(id, ({ value, error }) => (error === undefined ? resolve(value) : reject(new Error(error))))
      tell({ kind: 'call', id, cluster: bootstrap, method, args })
    })
  const named = { name } as KafkaCluster
  return new Proxy(named, {
    get: (target, key) => {
      // It is awaited, and must not look like a promise.
      if (key === 'name' || key === 'then') return Reflect.get(target, key) as unknown
      return (...args: unknown[]) => call(String(key), args)
    },
  })
}

const controlPlane = await startControlPlane({
  port: 0,
  store: spec.store,
  timings: spec.timings,
  openCluster: ({ name, bootstrap }) => remote(bootstrap[0] ?? '', name),
  migrationHooks: {
    step: (step, phase) => {
      if (step !== spec.holdAt?.step || phase !== spec.holdAt.phase) return
      tell({ kind: 'held' })
      return new Promise(() => {})
    },
  },
})
tell({ kind: 'ready', url: controlPlane.url })
