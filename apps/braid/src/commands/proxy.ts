import { hostname } from 'node:os'
import { ControlPlaneError } from '@braid/control-api'
import type { Command } from 'commander'
import { parseAddress } from '../address.ts'
import { refusal } from '../control-plane-calls.ts'
import { startFailure } from '../dev/ports.ts'
import { logLines } from '../log-lines.ts'
import { withExamples } from '../output/examples.ts'
import type { Session } from '../session.ts'
import { untilAborted } from '../until-aborted.ts'

interface ProxyOptions {
  listen: string
  id?: string
  advertisedHost?: string
  routesFile?: string
  metrics?: string
}

export const defaultListen = '127.0.0.1:9092'

export function addProxyCommand(braid: Command, session: Session): void {
  withExamples(
    braid
      .command('proxy')
      .description('run an access point until SIGINT or SIGTERM; --tenant: only for this tenant')
      .option(
        '--listen <host:port>',
        'the bootstrap listener; listeners per cluster take the ports after it',
        defaultListen,
      )
      .option('--id <name>', 'its name in the control plane, stable over restarts (default: host and port)')
      .option('--advertised-host <host>', 'the host that clients are told (default: the one it listens on)')
      .option('--routes-file <file>', 'keeps the route table, to start while the control plane is away')
      .option(
        '--metrics <host:port>',
        'answers /metrics for Prometheus, /healthz and /readyz over HTTP there',
      ),
    'braid proxy',
    'braid proxy --control-plane cp-1:7070,cp-2:7070 --token env:PROXY_TOKEN --tenant shop',
    'braid proxy --listen 0.0.0.0:9092 --advertised-host kafka.example.org --id proxy-1 --routes-file /var/lib/braid/routes.json',
  ).action(async (options: ProxyOptions) => {
    const { listen, id, ...kept } = options
    const address = parseAddress(listen, '--listen')
    const metrics = kept.metrics === undefined ? undefined : parseAddress(kept.metrics, '--metrics')
    const { io } = session
    const settings = session.settings()
    const { token, tenantNamed } = settings
    const controlPlane = settings.controlPlanes.join(',')
    const { ListenError, startProxy } = await import('@braid/proxy')
    await io.stoppable(async (stopped) => {
      io.stderr.write(`asking ${controlPlane} for routes ...\n`)
      const proxy = await startProxy({
        ...kept,
        ...(token === undefined ? {} : { token }),
        ...(tenantNamed === undefined ? {} : { tenant: tenantNamed }),
        controlPlane,
        id: id ?? `${hostname()}-${address.port}`,
        listen,
        log: logLines(io, 'info'),
      }).catch((error) => {
        if (error instanceof ControlPlaneError) throw refusal(error, settings)
        if (metrics !== undefined && error instanceof ListenError && error.purpose === 'metrics') {
          throw startFailure(error, metrics, 'the metrics of the proxy', '--metrics')
        }
        throw startFailure(error, address, 'the proxy', '--listen')
      })
      io.stdout.write(`Kafka   ${proxy.bootstrap}\n`)
      for (const [cluster, listener] of Object.entries(proxy.listeners)) {
        io.stdout.write(`  listener of ${cluster}   ${listener}\n`)
      }
      if (proxy.metrics !== undefined) io.stdout.write(`Metrics http://${proxy.metrics}/metrics\n`)
      await untilAborted(stopped)
      await proxy.close()
    })
  })
}
