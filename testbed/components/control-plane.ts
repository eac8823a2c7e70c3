/** A control plane as a process of its own. Started by running.ts. */
import { startControlPlane } from '@braid/control-plane'
import { argument, closeWithParent, onMessage, sayLine } from './child-side.ts'
import { takeDetours } from './detour.ts'
import type { ControlPlaneSpec, MigrationPoint } from './running.ts'

/** Where the next migration that comes by is held, or dies with the whole process. One of each at a time. */
let holdAt: { readonly point: MigrationPoint; readonly ask: unknown } | undefined
let dieAt: MigrationPoint | undefined
let goOn: (() => void) | undefined

const spec = argument<ControlPlaneSpec>()
takeDetours(spec.detours ?? {})
const controlPlane = await startControlPlane({
  host: '127.0.0.1',
  port: spec.port ?? 0,
  store: spec.store,
  timings: spec.timings,
  log: (level, event, fields) => sayLine({ event, level, ...fields }),
  migrationHooks: {
    step(step, phase, migrationId, kind) {
      const here = (point: MigrationPoint | undefined) =>
        point?.step === step && point.phase === phase && (point.kind ?? kind) === kind
      // At once, as a crash is: also inside a transaction, where a hook cannot wait.
      if (here(dieAt)) process.kill(process.pid, 'SIGKILL')
      if (!here(holdAt?.point)) return
      sayLine({ event: 'migration-held', step, phase, migration: migrationId, ask: holdAt?.ask })
      holdAt = undefined
      return new Promise<void>((resolve) => {
        goOn = resolve
      })
    },
  },
})
closeWithParent(() => controlPlane.close())
onMessage((message) => {
  if (message.do === 'hold') holdAt = { point: message.at as MigrationPoint, ask: message.ask }
  if (message.do === 'die') dieAt = message.at as MigrationPoint
  if (message.do === 'go on') goOn?.()
  sayLine({ event: 'heard', ask: message.ask })
})
sayLine({ event: 'ready', url: controlPlane.url })
