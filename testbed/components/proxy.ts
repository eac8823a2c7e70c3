/** A proxy as a process of its own. Started by running.ts. */
import { startProxy } from '@braid/proxy'
import { argument, closeWithParent, onMessage, sayLine } from './child-side.ts'
import { takeDetours } from './detour.ts'
import type { ProxySpec } from './running.ts'

const spec = argument<ProxySpec>()
takeDetours(spec.detours ?? {})
const proxy = await startProxy({
  controlPlane: spec.controlPlane,
  id: spec.id,
  listen: spec.listen ?? '127.0.0.1:0',
  ...(spec.routesFile === undefined ? {} : { routesFile: spec.routesFile }),
  ...(spec.metrics === undefined ? {} : { metrics: spec.metrics }),
  log: (level, event, fields) => sayLine({ event, level, ...fields }),
})
closeWithParent(() => proxy.close())
onMessage((message) => {
  // What bench/ measures: user and system time of this process so far.
  if (message.do === 'cpu') sayLine({ event: 'cpu', ask: message.ask, ...process.cpuUsage() })
  if (message.do === 'addresses') sayLine(addresses('addresses'))
})
sayLine(addresses('ready'))

function addresses(event: string): Readonly<Record<string, unknown>> {
  return { event, bootstrap: proxy.bootstrap, listeners: proxy.listeners, metrics: proxy.metrics }
}
