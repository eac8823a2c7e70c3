import type { Role, Token, TokenCreated, Whoami } from '@braid/control-api'
import { type Command, Option } from 'commander'
import { confirm } from '../confirm.ts'
import { ask } from '../control-plane-calls.ts'
import { withExamples } from '../output/examples.ts'
import { type Look, type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { table } from '../output/table.ts'
import { showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { argumentOf } from './names.ts'
import { integer, withYes } from './options.ts'

const roles: readonly Role[] = ['admin', 'operator', 'owner', 'viewer', 'access-point']

export function addTokenCommands(braid: Command, session: Session): void {
  const noun = braid.command('token').description('who may do what: make, list and end tokens')

  withExamples(
    withOutput(noun.command('create'))
      .description('make a token; its secret is shown this once. --tenant binds it to one tenant')
      .addArgument(argumentOf('principal', 'who acts with it, as service:billing'))
      .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
      .option('--expires-in-days <days>', 'when it ends (default: never)', integer(1, 3_650)),
    'braid token create service:proxy-1 --role access-point --expires-in-days 365',
    'braid token create user:ann --role owner --tenant shop',
  ).action(async (principal: string, options: OutputOptions & { role: Role; expiresInDays?: number }) => {
    // Not the context's: whom a token binds is said, never taken from what lies about.
    const { tenant = null } = session.options
    const token = await ask(session, (client) =>
      client.tokens.create({
        principal,
        role: options.role,
        tenant,
        expiresInDays: options.expiresInDays ?? null,
      }),
    )
    print(session.io, options.output, token, created)
  })

  withExamples(
    withWatch(withNames(noun.command('list'))).description('all tokens, without their secrets'),
    'braid token list',
  ).action((options: WatchOptions) =>
    showRows(session, options, (client) => client.tokens.list(), { readable: tokens, key: ({ id }) => id }),
  )

  withExamples(
    withYes(noun.command('revoke')).description('end a token at once').addArgument(argumentOf('id')),
    'braid token revoke t-7 --yes',
  ).action(async (id: string, options: { yes?: boolean }) => {
    await confirm(session.io, `End token ${id}? What uses it is refused at once.`, options)
    await ask(session, (client) => client.tokens.revoke(id))
    session.io.stdout.write(`token ${id} is revoked\n`)
  })
}

const created = ({ id, principal, role, tenant, expiresAt, secret }: TokenCreated): string =>
  `token ${id}: ${principal}, ${role}${tenant === null ? '' : ` of tenant ${tenant}`}, ${expiresAt === null ? 'does not end' : `ends ${expiresAt}`}\n` +
  `${secret}\nkeep it: it is not shown again\n`

const tokens = (all: readonly Token[], look: Look): string =>
  all.length === 0
    ? 'no tokens yet: `braid token create PRINCIPAL --role ROLE`\n'
    : table(
        [
          { head: 'TOKEN', cell: ({ id }) => id },
          { head: 'PRINCIPAL', cell: ({ principal }) => principal },
          { head: 'ROLE', cell: ({ role }) => role },
          { head: 'TENANT', cell: ({ tenant }) => tenant ?? '-' },
          { head: 'ENDS', cell: ({ expiresAt }) => expiresAt ?? 'never' },
          { head: 'MADE BY', cell: ({ createdBy }) => createdBy },
          { head: 'MADE', cell: ({ createdAt }) => createdAt },
        ],
        all,
        look,
      )

export function addWhoamiCommand(braid: Command, session: Session): void {
  withExamples(
    withOutput(braid.command('whoami')).description('who the control plane takes you for'),
    'braid whoami',
  ).action(async (options: OutputOptions) => {
    const me = await ask(session, (client) => client.whoami())
    const where = session.settings().controlPlanes.join(', ')
    print(session.io, options.output, me, (shown) => whoami(shown, where))
  })
}

const proofs: Readonly<Record<Whoami['by'], string>> = {
  token: 'by a token',
  oidc: 'by an OIDC token',
  none: 'because the control plane asks nobody (auth none)',
}

const whoami = ({ principal, role, tenant, by }: Whoami, where: string): string =>
  `${principal}: ${role}${tenant === null ? '' : ` of tenant ${tenant}`} at ${where}, ${proofs[by]}\n`
