import { type Command, Option } from 'commander'
import { defaultApi, parseAddress } from '../address.ts'
import { parseAttach } from '../dev/attach.ts'
import { findClusterStarter } from '../dev/providers.ts'
import { clusterNames, type DevOptions, type DevParts, type DevStack, startDevStack } from '../dev/stack.ts'
import { usage } from '../failure.ts'
import type { Io } from '../io.ts'
import { withExamples } from '../output/examples.ts'
import type { Session } from '../session.ts'
import { untilAborted } from '../until-aborted.ts'
import { integer } from './options.ts'
import { defaultListen } from './proxy.ts'

interface DevFlags {
  clusters: number
  attach?: string
  listen: string
  api: string
  data?: string
  monitor?: string
}

export function addDevCommand(braid: Command, { io }: Session): void {
  withExamples(
    braid
      .command('dev')
      .description('run clusters (or use yours), a control plane and a proxy here, until SIGINT')
      .addOption(
        new Option('--clusters <count>', 'how many clusters to start')
          .argParser(integer(1, clusterNames.length))
          .default(3),
      )
      .addOption(
        new Option(
          '--attach <a=host:port,...>',
          'use these clusters instead; the first one is home',
        ).conflicts('clusters'),
      )
      .option(
        '--listen <host:port>',
        'where Kafka clients connect; each cluster takes one of the next ports',
        defaultListen,
      )
      .option('--api <host:port>', "where the control plane's API listens", defaultApi)
      .option('--data <dir>', 'with --attach: keep the state there instead of removing it')
      .option('--monitor <host:port>', 'run a monitor too; Prometheus reads /metrics there'),
    'braid dev',
    'braid dev --clusters 2',
    'braid dev --monitor 127.0.0.1:7080',
    'braid dev --attach a=127.0.0.1:19092,b=127.0.0.1:29092',
    'braid dev --attach a=127.0.0.1:19092 --listen 127.0.0.1:9192 --api 127.0.0.1:7171 --data ./braid-data',
  ).action(async (flags: DevFlags) => runDev(io, parseDev(flags), await shippedParts()))
}

export function parseDev(flags: DevFlags): DevOptions {
  const listen = parseAddress(flags.listen, '--listen')
  const api = parseAddress(flags.api, '--api')
  const monitor = flags.monitor === undefined ? undefined : parseAddress(flags.monitor, '--monitor')
  if (flags.attach === undefined) {
    if (flags.data !== undefined) {
      throw usage(
        '--data goes with --attach',
        'clusters that braid dev starts are gone with it, and so is what is known of them',
      )
    }
    return { clusters: { start: flags.clusters }, listen, api, dataDir: undefined, monitor }
  }
  return { clusters: { attach: parseAttach(flags.attach) }, listen, api, dataDir: flags.data, monitor }
}

/** Loaded here, because the other commands have no use for servers and a database. */
async function shippedParts(): Promise<DevParts> {
  const [{ startControlPlane }, { startProxy }, { startMonitor }] = await Promise.all([
    import('@braid/control-plane'),
    import('@braid/proxy'),
    import('@braid/monitor'),
  ])
  return { startControlPlane, startProxy, startMonitor, findClusterStarter }
}

export const runDev = (io: Io, options: DevOptions, parts: DevParts): Promise<void> =>
  io.stoppable(async (stopped) => {
    const stack = await startDevStack(io, options, parts, stopped)
    if (stack === undefined) return
    try {
      io.stdout.write(welcome(stack))
      await untilAborted(stopped)
      io.stderr.write('\nstopping ...\n')
    } finally {
      await stack[Symbol.asyncDispose]()
    }
  })

export function welcome(stack: DevStack): string {
  const { clusters, listeners, metrics, dataDir, keepsData } = stack
  const rows: [string, string, string][] = [
    ...clusters.map(({ name, bootstrap, about }, index): [string, string, string] => [
      `cluster ${name}`,
      bootstrap.join(','),
      [about, index === 0 ? 'home' : ''].filter((part) => part !== '').join(', '),
    ]),
    ['control plane', stack.api, ''],
    ['Kafka', stack.bootstrap, 'point any Kafka client here'],
    ...Object.entries(listeners).map(([cluster, address]): [string, string, string] => [
      `  listener of ${cluster}`,
      address,
      '',
    ]),
    ...(metrics === undefined
      ? []
      : [['monitor', `http://${metrics}/metrics`, 'for Prometheus'] as [string, string, string]]),
    ['data', dataDir, keepsData ? 'kept' : 'removed at the end'],
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map(([what, where, note]) =>
    `${what.padEnd(widths[0]!)}   ${where.padEnd(widths[1]!)}   ${note}`.trimEnd(),
  )
  return `${lines.join('\n')}\n\n${nextCommands(stack)}\nCtrl-C stops all of it.\n`
}

function nextCommands({ clusters, api, bootstrap }: DevStack): string {
  const prefix = api === `http://${defaultApi}` ? '' : `BRAID_API=${api.replace('http://', '')} `
  const [first, second] = clusters.map((cluster) => cluster.name)
  const commands = [
    `${prefix}npx braid topic create orders --partitions 12 --cluster ${first}`,
    `kcat -b ${bootstrap} -t orders -P`,
    `${prefix}npx braid topic show orders`,
  ]
  if (second !== undefined) commands.push(`${prefix}npx braid migrate orders --to ${second}`)
  return `Try in another terminal:\n${commands.map((command) => `  ${command}\n`).join('')}`
}
