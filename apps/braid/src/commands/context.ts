import type { Command } from 'commander'
import { controlPlaneUrl } from '../address.ts'
import { type Context, type Contexts, contextsPath, readContexts, writeContexts } from '../contexts/file.ts'
import { contextNamed } from '../contexts/settings.ts'
import { Failure, usage } from '../failure.ts'
import { withExamples } from '../output/examples.ts'
import { type Look, type OutputOptions, print, withNames } from '../output/print.ts'
import { table } from '../output/table.ts'
import type { Session } from '../session.ts'
import { fits } from './options.ts'

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const contextName = fits({
  safeParse: (value) =>
    namePattern.test(String(value))
      ? { success: true }
      : {
          success: false,
          error: {
            issues: [{ message: 'a context is named with 1 to 64 letters, digits, ".", "_" or "-"' }],
          },
        },
})

export function addContextCommands(braid: Command, session: Session): void {
  const noun = braid.command('context').description('fleets by name: control planes, token and tenant')
  const { io } = session

  withExamples(
    withNames(noun.command('list')).description('all contexts; * is the current one'),
    'braid context list',
  ).action((options: OutputOptions) => {
    const rows = rowsOf(readContexts(io))
    print(io, options.output, rows, { readable: contextsText, names: (all) => all.map(({ name }) => name) })
  })

  withExamples(
    noun.command('current').description('the name of the current context'),
    'braid context current',
  ).action(() => {
    const { current } = readContexts(io)
    if (current === null)
      throw new Failure('there is no current context', { remedy: 'choose one: `braid context use NAME`' })
    io.stdout.write(`${current}\n`)
  })

  withExamples(
    noun
      .command('use')
      .description('make a context the current one')
      .argument('<context>', 'its name', contextName),
    'braid context use prod',
  ).action((name: string) => {
    const contexts = readContexts(io)
    contextNamed(name, contexts, io)
    writeContexts(io, { ...contexts, current: name })
    io.stdout.write(`the current context is ${name}\n`)
  })

  addSet(noun, session)

  withExamples(
    noun.command('remove').description('forget a context').argument('<context>', 'its name', contextName),
    'braid context remove prod',
  ).action((name: string) => {
    const { current, contexts } = readContexts(io)
    contextNamed(name, { current, contexts }, io)
    const { [name]: _, ...others } = contexts
    writeContexts(io, { current: current === name ? null : current, contexts: others })
    io.stdout.write(`context ${name} is removed\n`)
  })
}

function addSet(noun: Command, session: Session): void {
  const { io } = session
  withExamples(
    noun
      .command('set')
      .description(
        'make or change a context by --control-plane, --token and --tenant; the first one becomes current',
      )
      .argument('<context>', 'its name', contextName),
    'braid context set prod --control-plane https://cp-1.example,https://cp-2.example --token env:BRAID_PROD_TOKEN',
    'braid context set shop --control-plane 127.0.0.1:7070 --token file:/run/secrets/braid --tenant shop',
  ).action((name: string) => {
    const { controlPlane, token, tenant } = session.options
    const { current, contexts } = readContexts(io)
    const before: Context | undefined = Object.hasOwn(contexts, name) ? contexts[name] : undefined
    const addresses = controlPlane?.split(',').map((part) => controlPlaneUrl(part.trim(), '--control-plane'))
    const urls = addresses ?? before?.controlPlane
    if (urls === undefined)
      throw usage(`context ${name} is new: where is its control plane?`, 'name it: --control-plane URL')
    const changed = { ...before, controlPlane: urls, ...(token && { token }), ...(tenant && { tenant }) }
    if (token !== undefined && !/^(env|file):/.test(token)) {
      io.stderr.write(
        `braid: the token itself is written to ${contextsPath(io)}\n  to keep it elsewhere: --token env:NAME or --token file:/path\n`,
      )
    }
    writeContexts(io, { current: current ?? name, contexts: { ...contexts, [name]: changed } })
    io.stdout.write(`context ${name} is set${(current ?? name) === name ? ', and is the current one' : ''}\n`)
  })
}

interface Row {
  name: string
  current: boolean
  controlPlane: readonly string[]
  /** Where it comes from; never what it is. */
  token: string | null
  tenant: string | null
}

const rowsOf = ({ current, contexts }: Contexts): Row[] =>
  Object.entries(contexts).map(([name, { controlPlane, token, tenant }]) => ({
    name,
    current: name === current,
    controlPlane,
    token: token === undefined ? null : /^(env|file):/.test(token) ? token : '(in the file)',
    tenant: tenant ?? null,
  }))

const contextsText = (rows: readonly Row[], look: Look): string =>
  rows.length === 0
    ? 'no contexts yet: `braid context set NAME --control-plane URL`\n'
    : table(
        [
          { head: ' ', cell: ({ current }) => (current ? '*' : '') },
          { head: 'CONTEXT', cell: ({ name }) => name },
          { head: 'CONTROL PLANE', cell: ({ controlPlane }) => controlPlane.join(',') },
          { head: 'TOKEN', cell: ({ token }) => token ?? '-' },
          { head: 'TENANT', cell: ({ tenant }) => tenant ?? '-' },
        ],
        rows,
        look,
      )
