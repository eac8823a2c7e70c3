import { endpoints } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { withExamples } from '../output/examples.ts'
import { type OutputOptions, print, withOutput } from '../output/print.ts'
import { bytes } from '../output/quantity.ts'
import type { Session } from '../session.ts'
import { fits } from './options.ts'

const fileName = endpoints['backup.create'].body.shape.file

export function addBackupCommand(braid: Command, session: Session): void {
  withExamples(
    withOutput(braid.command('backup'))
      .description("write a copy of the SQLite store beside it, in backups/ on the control plane's machine")
      .argument('[file]', 'its name, without a folder (default: named by the time)', fits(fileName)),
    'braid backup',
    'braid backup before-the-upgrade.db',
  ).action(async (file: string | undefined, options: OutputOptions) => {
    const name = file ?? `control-plane-${new Date().toISOString().replace(/[:.]/g, '-')}.db`
    const backup = await ask(session, (client) => client.backup(name))
    print(session.io, options.output, backup, (made) => `${made.file} is written: ${bytes(made.bytes)}\n`)
  })
}
