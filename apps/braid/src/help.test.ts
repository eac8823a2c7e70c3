import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { exitCodes } from './exit-codes.ts'
import { program } from './program.ts'
import { run } from './run.ts'
import { fakeIo } from './testing/fake-io.ts'

const leaves = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)

const path = (command: Command): string =>
  command.parent === null ? command.name() : `${path(command.parent)} ${command.name()}`

async function helpOf(command: Command): Promise<string> {
  const io = fakeIo()
  expect(await run([...path(command).split(' ').slice(1), '--help'], io)).toBe(exitCodes.ok)
  return io.out
}

const examplesIn = (help: string): string[] =>
  [...help.matchAll(/^ {2}\$ braid (.*)$/gm)].map((match) => match[1]!)

describe('--help', () => {
  it.each(leaves(program(fakeIo())).map((command) => [path(command), command] as const))(
    '%s has examples, and they parse',
    async (_, command) => {
      const examples = examplesIn(await helpOf(command))
      expect(examples.length).toBeGreaterThan(0)
      for (const example of examples) {
        const parsed: string[] = []
        const braid = program(fakeIo())
        for (const leaf of leaves(braid)) leaf.action(() => void parsed.push(path(leaf)))
        await braid.parseAsync(example.split(' '), { from: 'user' })
        expect(parsed).toEqual([path(command)])
      }
    },
  )

  it('of braid itself names its commands, its environment and its exit status', async () => {
    const help = await helpOf(program(fakeIo()))
    for (const word of ['dev', 'topic', 'migrate', 'BRAID_API', 'Exit status']) expect(help).toContain(word)
    expect(examplesIn(help)).not.toHaveLength(0)
  })
})

describe('a wrong command line', () => {
  it.each([
    [['topik', 'list'], "unknown command 'topik'"],
    [['topic'], 'Usage: braid topic'],
    [[], 'Usage: braid'],
    [['topic', 'create', 'orders'], "required option '--partitions <count>' not specified"],
    [['topic', 'create', 'orders', '--partitions', '0'], 'It is a whole number from 1 to 100000.'],
    [['topic', 'create', 'orders', '--partitions', '12', '--config', 'x'], 'It is written name=value.'],
    [['topic', 'show'], "missing required argument 'name'"],
    [['topic', 'show', 'orders', '-o', 'xml'], 'Allowed choices are table, json, yaml.'],
    [['topic', 'show', 'orders', 'other'], 'too many arguments'],
    [['migrate', 'orders'], "required option '--to <cluster>' not specified"],
    [['dev', '--clusters', '10'], 'It is a whole number from 1 to 9.'],
    [['dev', '--clusters', '2', '--attach', 'a=h:1'], 'cannot be used with'],
    [['dev', '--attach', 'h:1'], '"h:1" has no name'],
    [['dev', '--attach', 'a=h:x'], '"h:x" is not an address'],
    [['dev', '--listen', '9092'], '--listen: "9092" is not an address'],
    [['dev', '--data', 'd'], '--data goes with --attach'],
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

describe('docs/reference/cli.md', () => {
  const page = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8')

  it('names every command and every option', () => {
    for (const command of leaves(program(fakeIo()))) {
      expect(page).toContain(path(command))
      for (const { long } of command.options) {
        if (long !== '--output') expect(page, path(command)).toContain(long)
      }
    }
    expect(page).toContain('-o json')
  })

  it('names every exit status', () => {
    const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]))
    expect(listed).toEqual(Object.values(exitCodes))
  })
})
