import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAccessPointCommands } from './commands/access-point.ts'
import { addClusterCommands } from './commands/cluster.ts'
import { addControlPlaneCommand } from './commands/control-plane.ts'
import { addDevCommand } from './commands/dev.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addMigrationCommands } from './commands/migration.ts'
import { addProxyCommand } from './commands/proxy.ts'
import { addRoutesCommand } from './commands/routes.ts'
import { addTopicCommands } from './commands/topic.ts'
import { type Io, processIo } from './io.ts'
import { withExamples } from './output/examples.ts'

/** The whole command line. Parsing throws CommanderError or Failure; see run.ts for what becomes of them. */
export function program(io: Io = processIo()): Command {
  const braid = new Command('braid')
    .description('Many Kafka clusters that clients use as one.')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error:/, 'braid:')),
    })
    .showHelpAfterError('  see `--help`')
    .helpCommand(false)
  withExamples(
    braid,
    'braid dev',
    'braid topic create orders --partitions 12 --cluster a',
    'braid migrate orders --to b',
  )
  braid.addHelpText(
    'after',
    `
Environment:
  BRAID_API     the control plane, host:port or a URL (default 127.0.0.1:7070)
  BRAID_TOKEN   sent to it as a bearer token
  BRAID_DEBUG   print where an error comes from

Exit status: 0 done, 1 failed, 2 wrong command line, 3 no control plane answers, 4 not found,
5 the present state forbids it, 6 timed out, 130 interrupted.`,
  )
  addDevCommand(braid, io)
  addTopicCommands(braid, io)
  addMigrateCommand(braid, io)
  addMigrationCommands(braid, io)
  addClusterCommands(braid, io)
  addAccessPointCommands(braid, io)
  addRoutesCommand(braid, io)
  addControlPlaneCommand(braid, io)
  addProxyCommand(braid, io)
  return braid
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
