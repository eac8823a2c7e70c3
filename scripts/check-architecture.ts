// Import directions, package boundaries, purity and names. The rules are in architecture/rules.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkArchitecture } from './architecture/rules.ts'
import { report } from './violation.ts'
import { listFiles, readManifest, readWorkspaces, repositoryRoot } from './workspaces.ts'

const paths = listFiles()
const workspaces = readWorkspaces()
const isSource = (path: string) =>
  /\.[cm]?[jt]s$/.test(path) && workspaces.some(({ folder }) => path.startsWith(`${folder}/`))
const sources = new Map(
  paths.filter(isSource).map((path) => [path, readFileSync(join(repositoryRoot, path), 'utf8')]),
)
const violations = checkArchitecture({ root: readManifest(repositoryRoot), workspaces, paths, sources })
report(violations, `architecture of ${workspaces.length} packages, ${sources.size} sources`)
