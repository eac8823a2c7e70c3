import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { program } from '../program.ts'
import { run } from '../run.ts'
import { type FakeControlPlane, fakeControlPlane } from '../testing/fake-control-plane.ts'
import { fakeIo } from '../testing/fake-io.ts'
import { goodAnswers } from '../testing/resources.ts'
import { commandTree } from './tree.ts'

const exec = promisify(execFile)
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

const scriptFor = async (shell: string): Promise<string> => {
  const io = fakeIo()
  await run(['completion', shell], io)
  return io.out
}

let folder: string
let plane: FakeControlPlane
const env = (): NodeJS.ProcessEnv => ({
  PATH: `${folder}:${process.env.PATH}`,
  HOME: folder,
  TERM: 'dumb',
  BRAID_API: plane.url,
})

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'braid-completion-'))
  symlinkSync(fileURLToPath(new URL('../../bin/braid.js', import.meta.url)), join(folder, 'braid'))
  for (const shell of ['bash', 'zsh', 'fish'])
    writeFileSync(join(folder, `braid.${shell}`), await scriptFor(shell))
  plane = await fakeControlPlane(goodAnswers)
})
afterAll(async () => {
  await plane[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** What a shell would offer behind these words. */
const completes: readonly (readonly [string, readonly string[]])[] = [
  ['cont', ['context', 'control-plane']],
  ['topic cr', ['create']],
  ['topic create x --par', ['--partitions']],
  ['topic create x --sla ', ['gold']],
  ['topic list -o y', ['yaml']],
  ['topic show ', ['orders']],
  ['migrate orders --to ', ['a', 'b']],
  ['migrate orders or', ['orders']],
  ['--tenant sh', ['shop']],
  ['topic show --tenant ', ['shop']],
  ['topic show --tenant shop ', ['orders']],
  ['cluster drain --concurrency 5 ', ['a', 'b']],
  ['completion z', ['zsh']],
  ['failover ', ['a', 'auto', 'b', 'cancel', 'list', 'show', 'start', 'status', 'wait']],
  ['failover start ', ['a', 'b']],
  ['failover a --dry', ['--dry-run']],
  ['failover auto o', ['on', 'off']],
]

describe('bash', () => {
  const bash = async (line: string): Promise<string[]> => {
    const words = ['braid', ...line.split(' ')]
    const script = `source <(cat "${folder}/braid.bash"); COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _braid; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout } = await exec('bash', ['--norc', '-c', script], { env: env() })
    return stdout.split('\n').filter((word) => word !== '')
  }

  it.each(completes)(
    '"braid %s" offers %j',
    async (line, offers) => {
      expect((await bash(line)).toSorted()).toEqual(offers.toSorted())
    },
    20_000,
  )

  it('is silent when no control plane answers', async () => {
    const { stdout, stderr } = await exec('braid', ['__complete', 'cluster'], {
      env: { ...env(), BRAID_API: '127.0.0.1:9' },
    })
    expect([stdout, stderr]).toEqual(['', ''])
  }, 20_000)
})

describe(`zsh${has('zsh') ? '' : ' (not installed: only the structure of its script)'}`, () => {
  it('has every command and option, and reads as a script', async () => {
    const script = await scriptFor('zsh')
    expect(script.startsWith('#compdef braid\n')).toBe(true)
    expectWhole(script)
    if (has('zsh')) await exec('zsh', ['-n', join(folder, 'braid.zsh')])
  })

  it.runIf(has('zsh')).each(completes.filter(([line]) => !line.includes('-o')))(
    '"braid %s" offers %j',
    async (line, offers) => {
      // Without a terminal there is no completion system: what it would be given is written instead.
      const words = ['braid', ...line.split(' ')]
      const script = `
compdef() { :; }
offer() { local w; for w in "$@"; do [[ $w == "\${words[CURRENT]}"* ]] && print -r -- "$w"; done }
compadd() { if [[ $1 == -a ]]; then offer "\${(@P)2}"; else shift; offer "$@"; fi }
_describe() { local name=\${@[-1]} w; for w in "\${(@P)name}"; do offer "\${w%%:*}"; done }
_files() { print files; }
words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}
source ${folder}/braid.zsh; _braid; true`
      const { stdout } = await exec('zsh', ['-f', '-c', script], { env: env() })
      expect(
        stdout
          .split('\n')
          .filter((word) => word !== '')
          .toSorted(),
      ).toEqual(offers.toSorted())
    },
    20_000,
  )
})

describe(`fish${has('fish') ? '' : ' (not installed: only the structure of its script)'}`, () => {
  it('has every command and option, and reads as a script', async () => {
    const script = await scriptFor('fish')
    expectWhole(script)
    if (has('fish')) await exec('fish', ['--no-config', '--no-execute', join(folder, 'braid.fish')])
  })

  it.runIf(has('fish')).each(completes)(
    '"braid %s" offers %j',
    async (line, offers) => {
      const script = `source ${folder}/braid.fish; complete -C 'braid ${line}'`
      const { stdout } = await exec('fish', ['--no-config', '-c', script], { env: env() })
      const found = stdout
        .split('\n')
        .filter((word) => word !== '')
        .map((word) => word.split('\t')[0]!)
      expect(found.toSorted()).toEqual(offers.toSorted())
    },
    20_000,
  )
})

/** Every word of the program is somewhere in it. */
function expectWhole(script: string): void {
  for (const { path, subcommands, options } of commandTree(program(fakeIo()))) {
    if (path !== '') expect(script).toContain(path)
    for (const { name } of subcommands) expect(script).toContain(name)
    for (const { flags } of options) {
      for (const flag of flags) expect(script).toContain(flag.replace(/^-+/, ''))
    }
  }
}

describe('braid __complete', () => {
  const complete = async (...words: string[]) => {
    const io = fakeIo({ env: { BRAID_API: plane.url } })
    return { status: await run(['__complete', ...words], io), out: io.out, err: io.err }
  }

  it('takes the options of the line as far as it is written', async () => {
    const before = plane.received.length
    expect(await complete('topic', '--', 'topic', 'show', '--tenant', 'shop', '--unknown')).toEqual({
      status: 0,
      out: 'orders\n',
      err: '',
    })
    expect(plane.received[before]).toMatchObject({ params: { tenant: 'shop' } })
  })

  it('gives up after a second, and says nothing of what it does not know', async () => {
    const slow = await fakeControlPlane({ 'clusters.list': () => new Promise(() => {}) })
    const io = fakeIo({ env: { BRAID_API: slow.url } })
    const startedMs = performance.now()
    expect(await run(['__complete', 'cluster'], io)).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect([io.out, io.err]).toEqual(['', ''])
    await slow[Symbol.asyncDispose]()
    expect((await complete('elsewhere')).out).toBe('')
  })

  it('never offers a name that a shell could not take', async () => {
    const hostile = await fakeControlPlane({
      'clusters.list': {
        clusters: [{ ...(goodAnswers['clusters.get'] as object), name: 'a\u001b[2J' }],
        next: null,
      },
    })
    const io = fakeIo({ env: { BRAID_API: hostile.url } })
    await run(['__complete', 'cluster'], io)
    expect(io.out).toBe('')
    await hostile[Symbol.asyncDispose]()
  })
})
