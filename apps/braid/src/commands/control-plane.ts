import { type Command, Option } from 'commander'
import { controlPlaneUrl, defaultApi, parseAddress } from '../address.ts'
import { startFailure } from '../dev/ports.ts'
import { usage } from '../failure.ts'
import { logLines } from '../log-lines.ts'
import { withExamples } from '../output/examples.ts'
import { readSecret } from '../secret.ts'
import type { Session } from '../session.ts'
import { untilAborted } from '../until-aborted.ts'

interface Flags {
  listen: string
  dataDir?: string
  data?: string
  store?: string
  advertise?: string
  auth?: 'none' | 'tokens'
  oidcIssuer?: string
  oidcAudience?: string
  oidcJwks?: string
  oidcRoleClaim?: string
  oidcTenantClaim?: string
  allowAnonymous?: boolean
}

const defaultDataDir = './braid-data'

export function addControlPlaneCommand(braid: Command, { io }: Session): void {
  withExamples(
    braid
      .command('control-plane')
      .description('run a control plane until SIGINT or SIGTERM')
      .option('--listen <host:port>', 'where its API listens', defaultApi)
      .option('--data-dir <dir>', `where its SQLite store is kept (default: ${defaultDataDir})`)
      // As it was called before; scripts have it.
      .addOption(new Option('--data <dir>').hideHelp())
      .addOption(
        new Option(
          '--store <postgres://...>',
          'a PostgreSQL database instead, which several control planes share; env:NAME and file:/path say where its URL is',
        ).conflicts('dataDir'),
      )
      .option('--advertise <url>', 'where other control planes reach this one; with --store')
      .addOption(
        new Option(
          '--auth <how>',
          'none: everybody is admin, on the loopback interface only; tokens: by tokens',
        ).choices(['none', 'tokens']),
      )
      .option('--oidc-issuer <url>', 'whose OIDC tokens are taken too; goes with --auth tokens')
      .option('--oidc-audience <text>', 'what these tokens must be for')
      .option(
        '--oidc-jwks <url>',
        'where the keys of the issuer are, if its discovery document does not say so',
      )
      .option('--oidc-role-claim <name>', 'the claim with the role (default: braid_role)')
      .option('--oidc-tenant-claim <name>', 'the claim with the tenant (default: braid_tenant)')
      .option(
        '--allow-anonymous',
        'with --auth none, also where other machines reach it: everybody there is admin',
      ),
    'braid control-plane',
    'braid control-plane --listen 127.0.0.1:7171 --data-dir /var/lib/braid',
    'braid control-plane --listen 0.0.0.0:7070 --auth tokens --store env:BRAID_STORE --advertise http://cp-1.example:7070',
    'braid control-plane --auth tokens --oidc-issuer https://login.example --oidc-audience braid',
  ).action(async ({ data, ...given }: Flags) => {
    const store = given.store === undefined ? undefined : readSecret(given.store, 'the URL of the store', io)
    const flags: Flags = {
      ...given,
      ...(data !== undefined && { dataDir: data }),
      ...(store !== undefined && { store }),
    }
    const address = parseAddress(flags.listen, '--listen')
    const options = parseFlags(flags)
    // Loaded here, because the other commands have no use for a server and a database.
    const { startControlPlane } = await import('@braid/control-plane')
    await io.stoppable(async (stopped) => {
      const log = logLines(io, 'info')
      const controlPlane = await startControlPlane({ ...address, ...options, log }).catch(
        (error: unknown) => {
          throw startFailure(error, address, 'the control plane', '--listen')
        },
      )
      const state = flags.store === undefined ? (flags.dataDir ?? defaultDataDir) : shownStore(flags.store)
      io.stdout.write(`control plane   ${controlPlane.url}\nstate           ${state}\n`)
      await untilAborted(stopped)
      await controlPlane.close()
    })
  })
}

export function parseFlags(flags: Flags) {
  const { dataDir, store, advertise, auth, oidcIssuer, oidcAudience, allowAnonymous } = flags
  if (store !== undefined && !/^postgres(ql)?:\/\//.test(store)) {
    throw usage(
      '--store is a URL of a PostgreSQL database',
      'postgres://user@host/database; SQLite: --data-dir DIR',
    )
  }
  if (advertise !== undefined && store === undefined) {
    throw usage('--advertise goes with --store', 'a control plane with a store of its own has no others')
  }
  if (oidcIssuer !== undefined && auth !== 'tokens') {
    throw usage('--oidc-issuer goes with --auth tokens')
  }
  if ((oidcIssuer === undefined) !== (oidcAudience === undefined)) {
    throw usage(
      '--oidc-issuer and --oidc-audience go together',
      'a token for another service is not one for us',
    )
  }
  return {
    ...(store === undefined ? { dataDir: dataDir ?? defaultDataDir } : { store }),
    ...(advertise !== undefined && { advertise: controlPlaneUrl(advertise, '--advertise') }),
    ...(allowAnonymous !== undefined && { allowAnonymous }),
    ...(oidcIssuer !== undefined && oidcAudience !== undefined
      ? {
          auth: {
            oidc: {
              issuer: oidcIssuer,
              audience: oidcAudience,
              jwksUri: flags.oidcJwks,
              rolesClaim: flags.oidcRoleClaim,
              tenantClaim: flags.oidcTenantClaim,
            },
          },
        }
      : auth !== undefined && { auth }),
  }
}

/** There may be a password in it. */
function shownStore(store: string): string {
  if (!URL.canParse(store)) return 'PostgreSQL'
  const url = new URL(store)
  return `${url.protocol}//${url.host}${url.pathname}`
}
