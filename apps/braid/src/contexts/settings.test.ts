import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import { run } from '../run.ts'
import { fakeIo } from '../testing/fake-io.ts'
import { goodAnswers } from '../testing/resources.ts'
import { runBraid } from '../testing/run-braid.ts'
import type { Contexts } from './file.ts'
import { type GlobalOptions, settingsOf } from './settings.ts'

const contexts: Contexts = {
  current: 'lab',
  contexts: {
    lab: { controlPlane: ['lab:1'], token: 'lab-token', tenant: 'lab-tenant' },
    prod: { controlPlane: ['https://p1', 'https://p2'], token: 'env:PROD_TOKEN', tenant: 'shop' },
    bare: { controlPlane: ['bare:1'] },
  },
}

const settings = (options: GlobalOptions, env: Record<string, string> = {}, from = contexts) => {
  const { controlPlanes, token, tenant } = settingsOf(
    options,
    fakeIo({ env: { PROD_TOKEN: 'secret', ...env } }),
    () => from,
  )
  return [controlPlanes.join(), token, tenant]
}

const env = { BRAID_API: 'e:1', BRAID_TOKEN: 'env-token', BRAID_TENANT: 'env-tenant' }

describe('which control plane, as whom, for which tenant', () => {
  it('nothing said: the one on this machine', () => {
    expect(settings({}, {}, { current: null, contexts: {} })).toEqual([
      'http://127.0.0.1:7070',
      undefined,
      'default',
    ])
  })

  it('the current context, unless BRAID_CONTEXT names another', () => {
    expect(settings({})).toEqual(['http://lab:1', 'lab-token', 'lab-tenant'])
    expect(settings({}, { BRAID_CONTEXT: 'prod' })).toEqual(['https://p1,https://p2', 'secret', 'shop'])
  })

  it('variables beat the current context, --context beats variables, options beat all', () => {
    expect(settings({}, env)).toEqual(['http://e:1', 'env-token', 'env-tenant'])
    expect(settings({ context: 'prod' }, env)).toEqual(['https://p1,https://p2', 'secret', 'shop'])
    const options = { context: 'prod', controlPlane: 'o:1,o:2', token: 'option-token', tenant: 'web' }
    expect(settings(options, env)).toEqual(['http://o:1,http://o:2', 'option-token', 'web'])
  })

  it("a context's token goes to no other control plane", () => {
    expect(settings({ controlPlane: 'evil:1' })[1]).toBeUndefined()
    expect(settings({}, { BRAID_API: 'evil:1' })[1]).toBeUndefined()
    expect(settings({ context: 'prod', controlPlane: 'evil:1' })[1]).toBeUndefined()
    expect(settings({ context: 'bare' }, { BRAID_TOKEN: 'env-token' })[1]).toBe('env-token')
  })

  it.each([
    [{ context: 'prd' }, {}, 'there is no context "prd"'],
    [{ token: 'env:NOTHING' }, {}, 'environment variable NOTHING, which is not set'],
    [{ token: 'file:/nonexistent/token' }, {}, 'cannot read the token'],
    [{ token: 'a\nb' }, {}, 'characters that no token has'],
    [{ controlPlane: 'nowhere' }, {}, '--control-plane: "nowhere" is not an address'],
    [{}, { BRAID_API: 'ftp://x' }, 'BRAID_API: "ftp://x" is not a URL'],
    [{}, { BRAID_TENANT: '../x' }, 'a tenant name has'],
  ])('%j %j: %s', (options, variables, why) => {
    expect(() => settings(options, variables as unknown as Record<string, string>)).toThrow(why)
  })

  it('reaches the control plane: token, tenant, and the next one when the first is away', async () => {
    const { plane } = await runBraid('topic list --token env:MY_TOKEN --tenant shop', goodAnswers, {
      env: { MY_TOKEN: 'brd_x' },
    })
    expect(plane.received[0]).toMatchObject({ authorization: 'Bearer brd_x', params: { tenant: 'shop' } })
    const second = await runBraid('whoami', goodAnswers)
    const io = fakeIo()
    expect(await run(['whoami', '--control-plane', `127.0.0.1:9,${second.plane.url}`], io)).toBe(exitCodes.ok)
    expect(second.plane.received).toHaveLength(2)
  })
})

describe('the file of contexts', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'braid-contexts-'))
    file = join(folder, 'below', 'config.yaml')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const braid = async (...argv: string[]) => {
    const io = fakeIo({ env: { BRAID_CONFIG: file } })
    return { status: await run(argv, io), io }
  }

  it('is made, used, changed and emptied, for its owner alone, without leftovers', async () => {
    await braid('context', 'set', 'prod', '--control-plane', 'p1:7070,https://p2/', '--token', 'env:PROD')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'below')).mode & 0o777).toBe(0o700)
    await braid('context', 'set', 'lab', '--control-plane', 'lab:1')
    // What is not named stays.
    await braid('context', 'set', 'prod', '--tenant', 'shop')
    expect((await braid('context', 'list')).io.out).toBe(
      '    CONTEXT   CONTROL PLANE               TOKEN      TENANT\n' +
        '*   prod      http://p1:7070,https://p2   env:PROD   shop\n' +
        '    lab       http://lab:1                -          -\n',
    )
    await braid('context', 'use', 'lab')
    expect((await braid('context', 'current')).io.out).toBe('lab\n')
    await braid('context', 'remove', 'lab')
    expect((await braid('context', 'current')).status).toBe(exitCodes.failed)
    expect(readdirSync(join(folder, 'below'))).toEqual(['config.yaml'])
  })

  it('a token in it is warned of, and never shown', async () => {
    const { io } = await braid('context', 'set', 'prod', '--control-plane', 'p:1', '--token', 'brd_secret')
    expect(io.err).toContain('the token itself is written to')
    for (const format of ['table', 'json']) {
      expect((await braid('context', 'list', '-o', format)).io.out).not.toContain('brd_secret')
    }
  })

  it.each([
    [
      'contexts:\n  prod:\n    controlPlan: [a]\n',
      ':3:5: unknown key "controlPlan" in contexts.prod: did you mean "controlPlane"?',
    ],
    ['contexts: [\n', ':2:1: no YAML'],
    ['current: 7\n', ':1:10: "current"'],
    ['contexts: {a: {controlPlane: []}}\n', 'it is at least 1 entries'],
  ])('that is damaged is reported with its line and left as it is: %j', async (text, why) => {
    mkdirSync(join(folder, 'below'))
    writeFileSync(file, text)
    for (const argv of [
      ['topic', 'list'],
      ['context', 'set', 'x', '--control-plane', 'a:1'],
      ['context', 'list'],
    ]) {
      const { status, io } = await braid(...argv)
      expect(status).toBe(exitCodes.usage)
      expect(io.err).toContain(file)
      expect(io.err).toContain(why)
    }
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('of a context that is not there says which there are', async () => {
    await braid('context', 'set', 'prod', '--control-plane', 'p:1')
    const { status, io } = await braid('context', 'use', 'prd')
    expect(status).toBe(exitCodes.usage)
    expect(io.err).toContain('there is prod')
  })
})
