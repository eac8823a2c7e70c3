/** A control plane as a process of its own. Started by running.ts. */
import { startControlPlane } from '@braid/control-plane'
import { argument, closeWithParent, onMessage, sayLine } from './child-side.ts'
import type { ControlPlaneSpec } from './running.ts'

const spec = argument<ControlPlaneSpec>()
let goOn: (() => void) | undefined
const controlPlane = await startControlPlane({
  host: '127.0.0.1',
  port: spec.port ?? 0,
  dataDir: spec.dataDir,
  log: (level, event, fields) => sayLine({ event, level, ...fields }),
  migrationHooks: {
    async step(step, phase, migrationId) {
      const held = spec.holdAt?.some((hold) => hold.step === step && hold.phase === phase) ?? false
      sayLine({ event: 'migration-step', step, phase, migration: migrationId, held })
      if (!held) return
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
    },
  },
})
closeWithParent(() => controlPlane.close())
onMessage((message) => {
  if (message.do === 'go on') goOn?.()
})
sayLine({ event: 'ready', url: controlPlane.url })
