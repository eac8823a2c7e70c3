import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatFleet } from '@braid/control-api'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { subcommandsOf } from './completion/tree.ts'
import { exitCodeMeanings, exitCodes } from './exit-codes.ts'
import { program } from './program.ts'
import { run } from './run.ts'
import { commandReference } from './testing/command-reference.ts'
import { fakeIo } from './testing/fake-io.ts'
import { fleetPlan, goodAnswers, sealing, switched } from './testing/resources.ts'
import { runBraid, words } from './testing/run-braid.ts'

const leaves = (command: Command): Command[] => {
  const visible = subcommandsOf(command)
  return visible.length === 0 ? [command] : visible.flatMap((sub) => leaves(sub))
}

const path = (command: Command): string =>
  command.parent === null ? command.name() : `${path(command.parent)} ${command.name()}`

async function helpOf(command: Command): Promise<string> {
  const io = fakeIo()
  expect(await run([...path(command).split(' ').slice(1), '--help'], io)).toBe(exitCodes.ok)
  return io.out
}

const examplesIn = (help: string): string[] =>
  [...help.matchAll(/^ {2}\$ braid (.*)$/gm)].map((match) => match[1]!)

/** They start servers, and end when they are stopped: their examples are only parsed here. */
const servers: ReadonlySet<string> = new Set([
  'braid dev',
  'braid control-plane',
  'braid proxy',
  'braid monitor run',
  'braid routes',
])

/** Where the files stand that examples name. */
let folder: string
let cwd: string
beforeAll(() => {
  cwd = process.cwd()
  folder = mkdtempSync(join(tmpdir(), 'braid-examples-'))
  process.chdir(folder)
  const fleet = { version: 1 as const, slas: [{ name: 'gold' }] }
  writeFileSync('fleet.yaml', formatFleet(fleet))
  writeFileSync('plan.json', JSON.stringify({ format: 'braid plan 1', prune: false, plan: fleetPlan, fleet }))
  writeFileSync('eu-2-security.yaml', 'protocol: SSL\ntls: { ca: "file:/etc/braid/ca.pem" }\n')
  writeFileSync('config.yaml', 'current: prod\ncontexts:\n  prod: { controlPlane: ["127.0.0.1:9"] }\n')
})
afterAll(() => {
  process.chdir(cwd)
  rmSync(folder, { recursive: true })
})

const commands = leaves(program(fakeIo())).map((command) => [path(command), command] as const)

describe('--help', () => {
  it.each(commands)('%s has examples, and they parse as this command', async (_, command) => {
    const examples = examplesIn(await helpOf(command))
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) {
      const parsed: string[] = []
      const braid = program(fakeIo())
      for (const leaf of leaves(braid)) leaf.action(() => void parsed.push(path(leaf)))
      await braid.parseAsync(words(example), { from: 'user' })
      expect(parsed).toEqual([path(command)])
    }
  })

  const runnable = commands.filter(([name]) => !servers.has(name))

  it.each(runnable)(
    '%s: its examples work, against a control plane that holds to the contract',
    async (_, command) => {
      for (const example of examplesIn(await helpOf(command))) {
        const watches = /--watch/.test(example)
        const ended = example.startsWith('migration cancel')
          ? { ...sealing, state: 'cancelled', revision: 9 }
          : { ...switched, state: 'done' }
        const { status, io, plane } = await runBraid(
          example,
          { ...goodAnswers, 'migrations.get': ended },
          {
            answer: 'y',
            env: { BRAID_CONFIG: join(folder, 'config.yaml'), BRAID_PROD_TOKEN: 'x' },
            ...(watches && { stopAfterMs: 300 }),
          },
        )
        expect({ example, err: status === exitCodes.ok ? '' : io.err, status }).toEqual({
          example,
          err: '',
          status: 0,
        })
        expect(plane.drifted).toEqual([])
        expect(io.out.length + io.err.length).toBeGreaterThan(0)
      }
    },
  )

  it('of braid itself names its commands, its environment and its exit status', async () => {
    const help = await helpOf(program(fakeIo()))
    for (const word of ['dev', 'topic', 'migrate', 'BRAID_API', 'exit-codes', '--context'])
      expect(help).toContain(word)
    expect(examplesIn(help)).not.toHaveLength(0)
  })
})

describe('a wrong command line', () => {
  it.each([
    [['topik', 'list'], "unknown command 'topik'"],
    [['topic'], 'Usage: braid topic'],
    [[], 'Usage: braid'],
    [['topic', 'create', 'orders', '--partitions', '0'], 'It is a whole number from 1 to 100000.'],
    [['topic', 'create', 'orders', '--config', 'x'], 'It is written name=value.'],
    [['topic', 'show'], "missing required argument 'topic'"],
    [['topic', 'show', 'orders', '-o', 'xml'], 'Allowed choices are table, json, yaml.'],
    [['topic', 'show', 'orders', 'other'], 'too many arguments'],
    [['migrate', '--to', 'b'], "missing required argument 'topic'"],
    [['migrate', 'orders'], "required option '--to <cluster>' not specified"],
    [['dev', '--clusters', '10'], 'It is a whole number from 1 to 9.'],
    [['dev', '--clusters', '2', '--attach', 'a=h:1'], 'cannot be used with'],
    [['topic', 'create', '../x'], "<topic> cannot be '../x': A topic name has"],
    [['migrate', 'a\nb', '--to', 'c'], '<topic'],
    [['dev', '--attach', 'h:1'], '"h:1" has no name'],
    [['dev', '--attach', 'a=h:x'], '"h:x" is not an address'],
    [['dev', '--listen', '9092'], '--listen: "9092" is not an address'],
    [['dev', '--data', 'd'], '--data goes with --attach'],
    [['dev', '--monitor', '7080'], '--monitor: "7080" is not an address'],
    [['failover', 'auto', 'maybe'], 'Allowed choices are on, off.'],
    [['topic', 'abandon', 'orders'], "required option '--loglet <number>' not specified"],
    [['proxy', '--listen', 'x'], '--listen: "x" is not an address'],
    [['control-plane', '--listen', 'x'], '--listen: "x" is not an address'],
    [['cluster', 'add', 'a', 'k1'], '"k1" is not an address'],
  ])('%j: status 2 and why', async (argv, why) => {
    const io = fakeIo()
    expect(await run(argv, io)).toBe(exitCodes.usage)
    expect(io.err).toContain(why)
    expect(io.err).not.toContain('    at ')
    expect(io.out).toBe('')
  })
})

it('--version prints the version', async () => {
  const io = fakeIo()
  expect(await run(['--version'], io)).toBe(exitCodes.ok)
  expect(io.out).toMatch(/^\d+\.\d+\.\d+/)
})

describe('docs/reference', () => {
  const page = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8')

  it('cli-commands.md has every command and option, as the program says them (-u writes it)', async () => {
    const file = new URL('../../../docs/reference/cli-commands.md', import.meta.url)
    await expect(commandReference(program(fakeIo()))).toMatchFileSnapshot(fileURLToPath(file))
  })

  it('cli.md names every noun and every option that all commands have', () => {
    for (const { long } of program(fakeIo()).options) {
      if (long !== '--version') expect(page).toContain(long)
    }
    for (const noun of subcommandsOf(program(fakeIo()))) expect(page).toContain(`braid ${noun.name()}`)
  })

  it('names every exit status, with the words of `braid help exit-codes`', async () => {
    const listed = [...page.matchAll(/^\| (\d+) \| ([^|]*) \|/gm)].map(([, status, words]) => [
      Number(status),
      words,
    ])
    const known = Object.entries(exitCodes).map(([name, status]) => [
      status,
      exitCodeMeanings[name as keyof typeof exitCodes],
    ])
    expect(listed).toEqual(known)
    const { io } = await runBraid('help exit-codes')
    for (const [status, words] of known)
      expect(io.out).toMatch(
        new RegExp(`^${status} +${String(words).slice(0, 20).replace(/[()]/g, '.')}`, 'm'),
      )
  })
})
