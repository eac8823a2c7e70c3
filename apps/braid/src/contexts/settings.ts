// Which control plane a command asks, as whom, and for which tenant. From the strongest to the weakest:
//
//   1. --control-plane, --token, --tenant
//   2. the context that --context names
//   3. BRAID_API, BRAID_TOKEN, BRAID_TENANT
//   4. the context that BRAID_CONTEXT names, else the current one
//   5. 127.0.0.1:7070, no token, the tenant `default`
//
// A context's token goes only to that context's control planes: another address never gets it.
import { defaultTenant, tenantName } from '@braid/control-api'
import { controlPlaneUrl, defaultApi } from '../address.ts'
import { usage } from '../failure.ts'
import type { Io } from '../io.ts'
import { readSecret } from '../secret.ts'
import { type Context, type Contexts, contextsPath } from './file.ts'

export interface GlobalOptions {
  readonly context?: string
  readonly controlPlane?: string
  readonly token?: string
  readonly tenant?: string
}

export interface Settings {
  /** At least one; the next is asked when one is away. */
  readonly controlPlanes: readonly string[]
  readonly token: string | undefined
  /** What calls of one tenant take. */
  readonly tenant: string
  /** Undefined when nobody named one: lists are then of all. */
  readonly tenantNamed: string | undefined
  /** What said where the control plane is, for errors. */
  readonly controlPlaneFrom: string
}

export function settingsOf(options: GlobalOptions, io: Io, read: () => Contexts): Settings {
  const { env } = io
  const chosen = options.context === undefined ? undefined : contextNamed(options.context, read(), io)
  const contexts = chosen === undefined ? read() : undefined
  const weakName = env.BRAID_CONTEXT || contexts?.current || undefined
  const weak =
    contexts === undefined || weakName === undefined ? undefined : contextNamed(weakName, contexts, io)

  const places: [string, readonly string[] | undefined, Context | undefined][] = [
    ['--control-plane', addressesIn(options.controlPlane), undefined],
    [`context ${options.context}`, chosen?.controlPlane, chosen],
    ['BRAID_API', addressesIn(env.BRAID_API), undefined],
    [`context ${weakName}`, weak?.controlPlane, weak],
  ]
  const [from, addresses, ofContext] = places.find(([, found]) => found !== undefined) ?? ['', [defaultApi]]
  const ownToken = (context: Context | undefined) => (context === ofContext ? context?.token : undefined)
  const token = options.token ?? ownToken(chosen) ?? (env.BRAID_TOKEN || ownToken(weak))
  const tenant = options.tenant ?? chosen?.tenant ?? (env.BRAID_TENANT || weak?.tenant)
  return {
    controlPlanes: (addresses ?? [defaultApi]).map((address) => controlPlaneUrl(address, from)),
    token: tokenOf(token || undefined, io),
    tenant: tenant === undefined ? defaultTenant : checkedTenant(tenant),
    tenantNamed: tenant === undefined ? undefined : checkedTenant(tenant),
    controlPlaneFrom: from,
  }
}

const addressesIn = (text: string | undefined): string[] | undefined =>
  text === undefined || text.trim() === '' ? undefined : text.split(',').map((part) => part.trim())

export function contextNamed(name: string, { contexts }: Contexts, io: Io): Context {
  if (Object.hasOwn(contexts, name)) return contexts[name]!
  const known = Object.keys(contexts)
  throw usage(
    `there is no context ${JSON.stringify(name)} in ${contextsPath(io)}`,
    known.length === 0
      ? 'make one: `braid context set NAME --control-plane URL`'
      : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}; see \`braid context list\``,
  )
}

function checkedTenant(name: string): string {
  const checked = tenantName.safeParse(name)
  if (!checked.success) throw usage(`--tenant: ${JSON.stringify(name)}: ${checked.error.issues[0]?.message}`)
  return name
}

const tokenMaxCharacters = 20_000

function tokenOf(text: string | undefined, io: Io): string | undefined {
  if (text === undefined) return undefined
  const token = readSecret(text, 'the token', io)
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > tokenMaxCharacters) {
    throw usage('the token is empty, or has characters that no token has', 'see where it comes from')
  }
  return token
}
