import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAccessPointCommands } from './commands/access-point.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addBackupCommand } from './commands/backup.ts'
import { addClusterCommands } from './commands/cluster.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addContextCommands } from './commands/context.ts'
import { addControlPlaneCommand } from './commands/control-plane.ts'
import { addDevCommand } from './commands/dev.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addRebalanceCommand } from './commands/drain.ts'
import { addFailoverCommands } from './commands/failover.ts'
import { addFleetCommands } from './commands/fleet.ts'
import { addHelpCommand, environment } from './commands/help.ts'
import { addLeaseCommands } from './commands/lease.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addMigrationCommands } from './commands/migration.ts'
import { addMonitorCommand } from './commands/monitor.ts'
import { optionOf } from './commands/names.ts'
import { addOperationCommands } from './commands/operation.ts'
import { addProxyCommand } from './commands/proxy.ts'
import { addRequestCommands } from './commands/request.ts'
import { addRoutesCommand } from './commands/routes.ts'
import { addSlaCommands } from './commands/sla.ts'
import { addTenantCommands } from './commands/tenant.ts'
import { addTokenCommands, addWhoamiCommand } from './commands/token.ts'
import { addTopCommand } from './commands/top.ts'
import { addTopicCommands } from './commands/topic.ts'
import type { GlobalOptions } from './contexts/settings.ts'
import { type Io, processIo } from './io.ts'
import { withExamples } from './output/examples.ts'
import { safeLines } from './output/safe-text.ts'
import { newSession, type Session } from './session.ts'

/** In the order in which `braid --help` has them. */
const commands: readonly ((braid: Command, session: Session) => void)[] = [
  addDevCommand,
  addTopicCommands,
  addRequestCommands,
  addMigrateCommand,
  addMigrationCommands,
  addClusterCommands,
  addFailoverCommands,
  addSlaCommands,
  addTenantCommands,
  addRebalanceCommand,
  addOperationCommands,
  addFleetCommands,
  addDoctorCommand,
  addTopCommand,
  addAccessPointCommands,
  addLeaseCommands,
  addRoutesCommand,
  addAuditCommands,
  addTokenCommands,
  addWhoamiCommand,
  addContextCommands,
  addBackupCommand,
  addControlPlaneCommand,
  addProxyCommand,
  addMonitorCommand,
  addCompletionCommand,
  addHelpCommand,
]

/** The whole command line. Parsing throws CommanderError or Failure; see run.ts for what becomes of them. */
export function program(io: Io = processIo()): Command {
  const braid = new Command('braid')
    .description('Many Kafka clusters that clients use as one.')
    .version(version(), '-V, --version')
    .option('--context <context>', 'the fleet to use, by its name in `braid context list`')
    .option(
      '--control-plane <url,...>',
      'its control planes, host:port or URLs; the next is asked when one is away',
    )
    .option('--token <token>', 'who you are: env:NAME, file:/path, or the token itself')
    .addOption(optionOf('--tenant', 'tenant', 'whose topics and requests (default: default)'))
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // What was typed may be what somebody else wrote.
      outputError: (text, write) => write(safeLines(inOurWords(text))),
    })
    .showHelpAfterError('  see `--help`')
    .helpCommand(false)
  withExamples(
    braid,
    'braid dev',
    'braid topic create payments --sla gold --bytes-in 5MB/s --readers 6 --dry-run',
    'braid migrate orders --to b',
    'braid plan -f fleet.yaml',
  )
  const width = Math.max(...environment.map(([name]) => name.length))
  const variables = environment.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`).join('\n')
  braid.addHelpText('after', `\nEnvironment:\n${variables}\n\nExit status: see \`braid help exit-codes\`.`)
  const session = newSession(io, () => braid.opts<GlobalOptions>())
  for (const add of commands) add(braid, session)
  for (const noun of braid.commands) noun.helpCommand(false)
  return braid
}

const inOurWords = (text: string): string =>
  text
    .replace(/^error:/, 'braid:')
    .replace(
      /command-argument value ('[\s\S]*') is invalid for argument '([^']*)'\./,
      (_, value: string, argument: string) => `<${argument}> cannot be ${value}:`,
    )

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
