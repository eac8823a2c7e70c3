import { hostname } from 'node:os'
import { ControlPlaneError } from '@braid/control-api'
import type { Command } from 'commander'
import { apiUrl, parseAddress } from '../address.ts'
import { refusal } from '../control-plane-calls.ts'
import { startFailure } from '../dev/ports.ts'
import type { Io } from '../io.ts'
import { logLines } from '../log-lines.ts'
import { withExamples } from '../output/examples.ts'
import { untilAborted } from '../until-aborted.ts'

interface ProxyOptions {
  listen: string
  id?: string
  advertisedHost?: string
  routesFile?: string
}

export const defaultListen = '127.0.0.1:9092'

export function addProxyCommand(braid: Command, io: Io): void {
  withExamples(
    braid
      .command('proxy')
      .description('run an access point until SIGINT or SIGTERM; BRAID_API names its control plane')
      .option(
        '--listen <host:port>',
        'the bootstrap listener; listeners per cluster take the ports after it',
        defaultListen,
      )
      .option('--id <name>', 'its name in the control plane, stable over restarts (default: host and port)')
      .option('--advertised-host <host>', 'the host that clients are told (default: the one it listens on)')
      .option('--routes-file <file>', 'keeps the route table, to start while the control plane is away'),
    'braid proxy',
    'braid proxy --listen 0.0.0.0:9092 --advertised-host kafka.example.org --id proxy-1 --routes-file /var/lib/braid/routes.json',
  ).action(async (options: ProxyOptions) => {
    const { listen, id, ...kept } = options
    const address = parseAddress(listen, '--listen')
    const controlPlane = apiUrl(io.env)
    const token = io.env.BRAID_TOKEN
    const { startProxy } = await import('@braid/proxy')
    await io.stoppable(async (stopped) => {
      io.stderr.write(`asking ${controlPlane} for routes ...\n`)
      const proxy = await startProxy({
        ...kept,
        ...(token === undefined ? {} : { token }),
        controlPlane,
        id: id ?? `${hostname()}-${address.port}`,
        listen,
        log: logLines(io, 'info'),
      }).catch((error) => {
        if (error instanceof ControlPlaneError) throw refusal(error, io)
        throw startFailure(error, address, 'the proxy', '--listen')
      })
      io.stdout.write(`Kafka   ${proxy.bootstrap}\n`)
      for (const [cluster, listener] of Object.entries(proxy.listeners)) {
        io.stdout.write(`  listener of ${cluster}   ${listener}\n`)
      }
      await untilAborted(stopped)
      await proxy.close()
    })
  })
}
