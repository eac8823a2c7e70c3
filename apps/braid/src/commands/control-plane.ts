import type { Command } from 'commander'
import { defaultApi, parseAddress } from '../address.ts'
import { startFailure } from '../dev/ports.ts'
import type { Io } from '../io.ts'
import { logLines } from '../log-lines.ts'
import { withExamples } from '../output/examples.ts'
import { untilAborted } from '../until-aborted.ts'

export function addControlPlaneCommand(braid: Command, io: Io): void {
  withExamples(
    braid
      .command('control-plane')
      .description('run a control plane until SIGINT or SIGTERM')
      .option('--listen <host:port>', 'where its API listens', defaultApi)
      .option('--data <dir>', 'where its state is kept', './braid-data'),
    'braid control-plane',
    'braid control-plane --listen 127.0.0.1:7171 --data /var/lib/braid',
  ).action(async (options: { listen: string; data: string }) => {
    const address = parseAddress(options.listen, '--listen')
    // Loaded here, because the other commands have no use for a server and a database.
    const { startControlPlane } = await import('@braid/control-plane')
    await io.stoppable(async (stopped) => {
      const log = logLines(io, 'info')
      const controlPlane = await startControlPlane({ ...address, dataDir: options.data, log }).catch(
        (error) => {
          throw startFailure(error, address, 'the control plane', '--listen')
        },
      )
      io.stdout.write(`control plane   ${controlPlane.url}\nstate           ${options.data}\n`)
      await untilAborted(stopped)
      await controlPlane.close()
    })
  })
}
