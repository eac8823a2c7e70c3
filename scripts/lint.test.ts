// Biome does the linting. This holds the rules that we count on, whatever Biome recommends next.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repositoryRoot } from './workspaces.ts'

/** Rule -> a source that breaks it, and no other. */
const planted: Readonly<Record<string, string>> = {
  noExplicitAny: 'export const f = (x: unknown) => x as any\n',
  noTsIgnore: '// @ts-ignore\nexport const x: string = 1\n',
  noUnusedImports: "import { x } from './x.ts'\n",
  noUnusedVariables: 'const x = 1\n',
  useImportType: "import { T } from './t.ts'\nexport const t: T[] = []\n",
  useNodejsImportProtocol: "import { join } from 'path'\nexport const x = join('a', 'b')\n",
}

interface BiomeReport {
  readonly diagnostics: readonly { category: string; location: { path: string } }[]
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'braid-lint-'))
  for (const [rule, source] of Object.entries(planted)) writeFileSync(join(folder, `${rule}.ts`), source)
  writeFileSync(join(folder, 'plain.ts'), 'export const first = (list: readonly string[]) => list[0]!\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('lint', () => {
  it('finds what was planted, and nothing in plain code', () => {
    const { status, stdout } = spawnSync(
      join(repositoryRoot, 'node_modules/.bin/biome'),
      [
        'lint',
        '--error-on-warnings',
        '--reporter=json',
        '--vcs-enabled=false',
        '--config-path=biome.json',
        folder,
      ],
      { cwd: repositoryRoot, encoding: 'utf8' },
    )
    expect(status).toBe(1)
    const { diagnostics } = JSON.parse(stdout) as BiomeReport
    const found = diagnostics.map(({ category, location }) => ({
      rule: category.split('/').at(-1),
      file: location.path.split('/').at(-1)?.replace('.ts', ''),
    }))
    expect(found.toSorted((a, b) => `${a.file}`.localeCompare(`${b.file}`))).toEqual(
      Object.keys(planted)
        .toSorted((a, b) => a.localeCompare(b))
        .map((rule) => ({ rule, file: rule })),
    )
  })
})
