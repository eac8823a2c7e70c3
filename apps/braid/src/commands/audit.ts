import type { AuditEntry } from '@braid/control-api'
import { type Command, InvalidArgumentError } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { withExamples } from '../output/examples.ts'
import { type Look, type OutputOptions, print, withOutput } from '../output/print.ts'
import { table } from '../output/table.ts'
import type { Session } from '../session.ts'
import { optionOf } from './names.ts'
import { durationOption, integer } from './options.ts'

const rowsOfPage = 1_000

interface AuditOptions extends OutputOptions {
  since?: string
  principal?: string
  limit: number
}

export function addAuditCommands(braid: Command, session: Session): void {
  const noun = braid.command('audit').description('who did what when from where')
  withExamples(
    withOutput(noun.command('list'))
      .description('the latest first; of one tenant with --tenant')
      .option('--since <when>', 'a moment (2026-11-23T10:00:00Z), or a duration ago (12h)', moment)
      .addOption(optionOf('--principal', 'principal', 'only what this one did'))
      .option('--limit <count>', 'how many', integer(1, 100_000), 100),
    'braid audit list',
    'braid audit list --since 12h --principal user:ann',
    'braid audit list --tenant shop --limit 1000 -o json',
  ).action(async (options: AuditOptions) => {
    const entries = await ask(session, async (client, { tenantNamed }) => {
      const all: AuditEntry[] = []
      let after: string | undefined
      do {
        const limit = Math.min(rowsOfPage, options.limit - all.length)
        const { since, principal } = options
        const page = await client.audit.list({ since, principal, tenant: tenantNamed, limit, after })
        all.push(...page.entries)
        after = page.next ?? undefined
      } while (after !== undefined && all.length < options.limit)
      return all
    })
    print(session.io, options.output, entries, trail)
  })
}

function moment(text: string): string {
  if (/^\d{4}-\d\d-\d\d(T[0-9:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) && !Number.isNaN(Date.parse(text))) {
    return new Date(text).toISOString()
  }
  if (/^\d+$/.test(text))
    throw new InvalidArgumentError('Write a moment as 2026-11-23T10:00:00Z, or a duration as 12h.')
  return new Date(Date.now() - durationOption(text)).toISOString()
}

const trail = (all: readonly AuditEntry[], look: Look): string =>
  all.length === 0
    ? 'nothing of that kind was done\n'
    : table(
        [
          { head: 'WHEN', cell: ({ at }) => at },
          { head: 'WHO', cell: ({ principal, role }) => `${principal} (${role})` },
          { head: 'FROM', cell: ({ from }) => from },
          { head: 'ACTION', cell: ({ action }) => action },
          { head: 'WHAT', cell: ({ what, tenant }) => (tenant === null ? what : `${what} of ${tenant}`) },
          { head: 'OUTCOME', cell: ({ outcome, code }) => (code === null ? outcome : `${outcome}: ${code}`) },
          { head: 'CHANGED', cell: ({ diff }) => diff.map(({ path }) => path).join(', ') || '-' },
        ],
        all,
        look,
      )
