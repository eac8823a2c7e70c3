import { hostname } from 'node:os'
import { ControlPlaneError } from '@braid/control-api'
import { type Command, InvalidArgumentError } from 'commander'
import { parseAddress, parseBootstrap } from '../address.ts'
import { refusal } from '../control-plane-calls.ts'
import { defaultCommand } from '../default-command.ts'
import { startFailure } from '../dev/ports.ts'
import { logLines } from '../log-lines.ts'
import { withExamples } from '../output/examples.ts'
import type { Session } from '../session.ts'
import { untilAborted } from '../until-aborted.ts'
import { addMonitorEvents } from './monitor-events.ts'

interface MonitorFlags {
  listen: string
  id?: string
  routesFile?: string
  canaryTopic?: string
  proxyMetrics?: string
  slo: number
}

const defaultMetrics = '127.0.0.1:7080'

export function addMonitorCommand(braid: Command, session: Session): void {
  const noun = braid.command('monitor').description('watch from outside, and see what was found')
  addMonitorEvents(noun, session)
  withExamples(
    defaultCommand(noun, 'run')
      .description('watch clusters, listeners, groups and logs from outside until SIGINT or SIGTERM')
      .option('--listen <host:port>', 'where Prometheus reads /metrics', defaultMetrics)
      .option('--id <name>', 'its name in the control plane, stable over restarts (default: host and port)')
      .option('--routes-file <file>', 'keeps the route table, to start while the control plane is away')
      .option(
        '--canary-topic <name>',
        'a topic that a record is written to and read from through each listener that has it',
      )
      .option(
        '--proxy-metrics <host:port,...>',
        'where proxies serve /metrics: what they acknowledged is compared with the logs',
      )
      .option('--slo <percent>', 'the share of checks that has to succeed', parsePercent, 99.9),
    'braid monitor',
    'braid monitor --listen 0.0.0.0:7080 --id monitor-1 --token env:MONITOR_TOKEN',
    'braid monitor --canary-topic braid-heartbeat --proxy-metrics proxy-1:9180,proxy-2:9180 --slo 99.95',
  ).action(async (flags: MonitorFlags) => {
    const { listen, id, proxyMetrics, slo, ...kept } = flags
    const address = parseAddress(listen, '--listen')
    const targets = proxyMetrics === undefined ? [] : parseBootstrap(proxyMetrics, '--proxy-metrics')
    const { io } = session
    const settings = session.settings()
    const { startMonitor } = await import('@braid/monitor')
    await io.stoppable(async (stopped) => {
      io.stderr.write(`asking ${settings.controlPlanes.join(',')} for routes ...\n`)
      const monitor = await startMonitor({
        ...kept,
        controlPlane: settings.controlPlanes,
        token: settings.token,
        id: id ?? `${hostname()}-${address.port}`,
        listen,
        proxyMetrics: targets,
        sloPercent: slo,
        log: logLines(io, 'info'),
      }).catch((error) => {
        if (error instanceof ControlPlaneError) throw refusal(error, settings)
        throw startFailure(error, address, 'the monitor', '--listen')
      })
      io.stdout.write(`metrics   http://${monitor.address}/metrics\n`)
      await untilAborted(stopped)
      await monitor.close()
    })
  })
}

function parsePercent(text: string): number {
  const percent = Number(text)
  if (text.trim() !== '' && percent > 0 && percent < 100) return percent
  throw new InvalidArgumentError('a percentage between 0 and 100, both excluded, like 99.9.')
}
