import { describe, expect, it } from 'vitest'
import type { Workspace } from '../workspaces.ts'
import { checkArchitecture } from './rules.ts'

const braid = (...names: string[]) => Object.fromEntries(names.map((name) => [`@braid/${name}`, '0.1.0']))
const workspace = (folder: string, dependencies: Record<string, string> = {}): Workspace => ({
  folder,
  manifest: { name: `@braid/${folder.split('/').at(-1)}`, dependencies },
})

const everything = braid('routing-model', 'kafka-protocol', 'control-plane')
const workspaces = [
  workspace('packages/routing-model'),
  workspace('packages/kafka-protocol', braid('routing-model')),
  workspace('packages/control-plane', { ...braid('routing-model', 'kafka-protocol'), zod: '^4.0.0' }),
  workspace('packages/proxy', braid('kafka-protocol')),
  workspace('apps/braid', braid('control-plane', 'proxy')),
  workspace('testbed', { ...everything, ...braid('proxy') }),
]
const root = { name: 'root', devDependencies: { vitest: '1' } }

/** What is said about a repository that is in order but for what is planted. */
function planted(files: Record<string, string>, changed: readonly Workspace[] = []): string[] {
  const all = workspaces.map((own) => changed.find(({ folder }) => folder === own.folder) ?? own)
  const extra = changed.filter(({ folder }) => !workspaces.some((own) => own.folder === folder))
  return checkArchitecture({
    root,
    workspaces: [...all, ...extra],
    paths: Object.keys(files),
    sources: new Map(Object.entries(files)),
  }).map(({ path, line, message }) => `${path}${line === undefined ? '' : `:${line}`}: ${message}`)
}

describe('what is in order', () => {
  it('passes', () => {
    expect(
      planted({
        'packages/kafka-protocol/src/a.ts':
          "import { x } from '@braid/routing-model'\nimport { gunzipSync } from 'node:zlib'\n// never Date.now()\n",
        'packages/kafka-protocol/src/a.test.ts':
          "import { it } from 'vitest'\nimport { readFileSync } from 'node:fs'\nimport './testing/frames.ts'\nconsole.log(Math.random())",
        'packages/kafka-protocol/src/testing/frames.ts': "import 'vitest'\nsetTimeout(() => {}, 1)",
        'packages/control-plane/src/clock.ts': "import { z } from 'zod'\nDate.now()\nimport './clock.ts'",
        'packages/control-plane/src/cluster-managers-guide.ts': '',
        'apps/braid/bin/braid.js': "import('@braid/braid/main')",
        'testbed/demo/main.ts': "import { startProxy } from '@braid/proxy'\nimport 'vitest'",
      }),
    ).toEqual([])
  })
})

describe('a planted violation is found:', () => {
  it.each<[string, Record<string, string>, string]>([
    [
      'an import that points down',
      { 'packages/routing-model/src/a.ts': "\nimport { b } from '@braid/kafka-protocol'" },
      'packages/routing-model/src/a.ts:2: packages/routing-model must not import packages/kafka-protocol',
    ],
    [
      'an import along a line, of types only',
      { 'packages/proxy/src/a.ts': "import type { B } from '@braid/control-plane'" },
      'packages/proxy/src/a.ts:1: packages/proxy and packages/control-plane are on one line',
    ],
    [
      'the testbed in what is shipped',
      { 'apps/braid/src/a.ts': "await import('@braid/testbed')" },
      'apps/braid/src/a.ts:1: apps/braid must not import testbed',
    ],
    [
      'an import past an index.ts',
      { 'testbed/a.ts': "import { b } from '@braid/proxy/src/listener.ts'" },
      'testbed/a.ts:1: @braid/proxy/src/listener.ts goes past the index.ts of @braid/proxy',
    ],
    [
      'a relative import of another package',
      { 'testbed/demo/a.ts': "import { b } from '../../packages/proxy/src/listener.ts'" },
      'testbed/demo/a.ts:1: ../../packages/proxy/src/listener.ts leads out of testbed',
    ],
    [
      'a package that is not declared',
      { 'packages/proxy/src/a.ts': "import { z } from 'zod'" },
      'packages/proxy/src/a.ts:1: zod is not among the dependencies of packages/proxy/package.json',
    ],
    [
      'an own package that is not declared',
      { 'packages/proxy/src/a.ts': "import { z } from '@braid/routing-model'" },
      'packages/proxy/src/a.ts:1: @braid/routing-model is not among the dependencies',
    ],
    [
      'a tool for tests in what is shipped',
      { 'packages/proxy/src/a.ts': "import { it } from 'vitest'" },
      'packages/proxy/src/a.ts:1: vitest is not among the dependencies',
    ],
    [
      'code for tests in what is shipped',
      { 'packages/proxy/src/a.ts': "import { x } from './testing/x.ts'" },
      'packages/proxy/src/a.ts:1: ./testing/x.ts is for tests',
    ],
    [
      'I/O in a pure package',
      { 'packages/routing-model/src/a.ts': "import { readFileSync } from 'node:fs'" },
      'packages/routing-model/src/a.ts:1: packages/routing-model/src is pure and must not import node:fs',
    ],
    [
      'gzip where it has no business',
      { 'packages/routing-model/src/a.ts': "import { gunzipSync } from 'node:zlib'" },
      'packages/routing-model/src/a.ts:1: packages/routing-model/src is pure and must not import node:zlib',
    ],
    [
      'a clock in a pure package',
      { 'packages/kafka-protocol/src/a.ts': '/* here:\n*/\nconst now = Date.now()' },
      'packages/kafka-protocol/src/a.ts:3: packages/kafka-protocol/src is pure: take what Date.now gives',
    ],
    [
      'chance in the planner',
      { 'packages/control-plane/src/planner/a.ts': 'const x = Math.random()' },
      'packages/control-plane/src/planner/a.ts:1: packages/control-plane/src/planner is pure: take what Math.random',
    ],
    [
      'a timer in a pure package',
      { 'packages/routing-model/src/a.ts': 'setTimeout(f, 1)' },
      'packages/routing-model/src/a.ts:1: packages/routing-model/src is pure: take what setTimeout gives',
    ],
    [
      'a folder named utils',
      { 'packages/proxy/src/utils/a.ts': '' },
      'packages/proxy/src/utils/a.ts: "utils"',
    ],
    ['a file named helpers', { 'testbed/test-helpers.ts': '' }, 'testbed/test-helpers.ts: "helpers"'],
    ['a manager', { 'docs/TopicManager/manager.md': '' }, 'docs/TopicManager/manager.md: "manager"'],
  ])('%s', (_, files, expected) => {
    const found = planted(files)
    expect(found).toEqual([expect.stringContaining(expected)])
  })

  it.each<[string, Workspace, string]>([
    [
      'a dependency that points down',
      workspace('packages/routing-model', braid('proxy')),
      'packages/routing-model/package.json: packages/routing-model must not import packages/proxy',
    ],
    [
      'a dependency that is not here',
      workspace('packages/proxy', braid('nothing')),
      'packages/proxy/package.json: depends on @braid/nothing, which is not in this repository',
    ],
    [
      'a package without a place',
      workspace('packages/new'),
      'packages/new/package.json: has no place in scripts/architecture/layers.ts',
    ],
  ])('%s', (_, changed, expected) => {
    expect(planted({}, [changed])).toEqual([expect.stringContaining(expected)])
  })
})
