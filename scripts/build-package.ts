// Builds the package in the current folder into dist/: JavaScript, declarations, every other file that the
// sources need, and the manifest to publish. `npm pack ./dist` makes the tarball.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { isTest } from './architecture/rules.ts'
import { publishedManifest } from './build/published-manifest.ts'
import { listFiles, readManifest, readWorkspaces, repositoryRoot } from './workspaces.ts'

const folder = process.cwd()
const dist = join(folder, 'dist')
const manifest = readManifest(folder)
const shipped = listFiles(folder).filter((path) => /^(src|bin)\//.test(path) && !isTest(path))
const isTypeScript = (path: string) => path.endsWith('.ts')

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)
compile(shipped.filter(isTypeScript))
for (const path of shipped.filter((path) => !isTypeScript(path))) {
  mkdirSync(dirname(join(dist, path)), { recursive: true })
  cpSync(join(folder, path), join(dist, path))
}
cpSync(join(repositoryRoot, 'LICENSE'), join(dist, 'LICENSE'))
if (existsSync(join(folder, 'README.md'))) cpSync(join(folder, 'README.md'), join(dist, 'README.md'))
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)

/**
 * With the declarations that were built of the packages it imports in place of their sources: else the
 * compiler would take those for part of this package.
 */
function compile(sources: readonly string[]): void {
  const config = join(dist, 'tsconfig.json')
  const paths = readWorkspaces()
    .filter((workspace) => workspace.manifest.name in (manifest.dependencies ?? {}))
    .map((workspace) => {
      const declarations = join(repositoryRoot, workspace.folder, 'dist/src/index.d.ts')
      if (!existsSync(declarations)) {
        throw new Error(`${declarations} is missing: build all packages with \`npm run build\``)
      }
      return [workspace.manifest.name, [declarations]]
    })
  writeFileSync(
    config,
    JSON.stringify({
      extends: relative(dist, join(repositoryRoot, 'tsconfig.base.json')),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        rootDir: folder,
        outDir: dist,
        paths: Object.fromEntries(paths),
      },
      files: sources.map((path) => join(folder, path)),
    }),
  )
  const tsc = join(repositoryRoot, 'node_modules/.bin/tsc')
  const { status, error } = spawnSync(tsc, ['-p', config], { stdio: 'inherit' })
  rmSync(config)
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}
