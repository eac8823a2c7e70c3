import { posix } from 'node:path'
import { lineOf, type Violation } from '../violation.ts'
import type { Manifest, Workspace } from '../workspaces.ts'
import { importsOf, packageOf, withoutComments } from './imports.ts'
import { forbiddenNames, layers, pureFolders } from './layers.ts'

/** The repository as data: what the rules look at. */
export interface Repository {
  readonly root: Manifest
  readonly workspaces: readonly Workspace[]
  /** Every path. */
  readonly paths: readonly string[]
  /** Sources by path: TypeScript and JavaScript of the workspaces. */
  readonly sources: ReadonlyMap<string, string>
}

const OWN_SCOPE = '@braid/'
const BUILT_IN = 'node:'

export function checkArchitecture(repository: Repository): Violation[] {
  return [
    ...repository.workspaces.flatMap((workspace) => checkManifest(workspace, repository)),
    ...[...repository.sources].flatMap(([path, source]) => [
      ...checkImports(path, source, repository),
      ...checkPurity(path, source),
    ]),
    ...repository.paths.flatMap(checkName),
  ]
}

/** Code that is not shipped: tests, and what only tests use. */
export const isTest = (path: string): boolean =>
  /\.test\.ts$/.test(path) || path.includes('/testing/') || path.startsWith('testbed/')

function checkManifest({ folder, manifest }: Workspace, { workspaces }: Repository): Violation[] {
  const path = `${folder}/package.json`
  const here = layerOf(folder)
  if (here === -1) {
    return [{ path, message: 'has no place in scripts/architecture/layers.ts: give it one' }]
  }
  return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter((name) => name.startsWith(OWN_SCOPE))
    .flatMap((name) => {
      const target = workspaces.find((workspace) => workspace.manifest.name === name)
      if (target === undefined)
        return [{ path, message: `depends on ${name}, which is not in this repository` }]
      const message = misdirected(folder, target.folder)
      return message === undefined ? [] : [{ path, message }]
    })
}

function checkImports(path: string, source: string, repository: Repository): Violation[] {
  const workspace = repository.workspaces.find(({ folder }) => path.startsWith(`${folder}/`))
  if (workspace === undefined) return []
  const { folder, manifest } = workspace
  return importsOf(source).flatMap(({ specifier, line }) => {
    const message = specifier.startsWith('.')
      ? checkRelative(specifier)
      : specifier.startsWith(BUILT_IN)
        ? undefined
        : checkBare(specifier)
    return message === undefined ? [] : [{ path, line, message }]
  })

  function checkRelative(specifier: string): string | undefined {
    const target = posix.join(posix.dirname(path), specifier)
    if (!target.startsWith(`${folder}/`)) {
      return `${specifier} leads out of ${folder}: import the other package by its name`
    }
    if (isTest(target) && !isTest(path)) return `${specifier} is for tests, and this is not one`
    return undefined
  }

  function checkBare(specifier: string): string | undefined {
    const name = packageOf(specifier)
    const target = repository.workspaces.find((other) => other.manifest.name === name)
    if (target !== undefined && target.folder !== folder) {
      if (specifier !== name) return `${specifier} goes past the index.ts of ${name}: export it there`
      const message = misdirected(folder, target.folder)
      if (message !== undefined) return message
    }
    const dependencies = {
      ...manifest.dependencies,
      ...(isTest(path) && { ...manifest.devDependencies, ...repository.root.devDependencies }),
    }
    if (name !== manifest.name && !(name in dependencies)) {
      return `${name} is not among the dependencies of ${folder}/package.json`
    }
    return undefined
  }
}

/** What is wrong with a package in `from` importing one in `to`; undefined when nothing is. */
function misdirected(from: string, to: string): string | undefined {
  if (layerOf(to) < layerOf(from)) return undefined
  if (to === 'testbed') return `${from} must not import testbed: nothing that is shipped does`
  return layerOf(to) === layerOf(from)
    ? `${from} and ${to} are on one line of the architecture and never import each other`
    : `${from} must not import ${to}, which builds on it: imports point to the more basic package`
}

const layerOf = (folder: string): number => layers.findIndex((line) => line.includes(folder))

const impureGlobals =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bcrypto\.random\w+|\bperformance\.\w+|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\.\w+|\bconsole\.\w+|\bfetch\(/g

function checkPurity(path: string, source: string): Violation[] {
  const pure = pureFolders.find(({ folder }) => path.startsWith(`${folder}/`))
  if (pure === undefined || isTest(path)) return []
  const { folder, allowed } = pure
  const imports = importsOf(source)
    .filter(({ specifier }) => specifier.startsWith(BUILT_IN) && !allowed.includes(specifier))
    .map(({ specifier, line }) => ({
      path,
      line,
      message: `${folder} is pure and must not import ${specifier}`,
    }))
  const code = withoutComments(source)
  const globals = [...code.matchAll(impureGlobals)].map((match) => ({
    path,
    line: lineOf(code, match.index),
    message: `${folder} is pure: take what ${match[0]} gives as an argument`,
  }))
  return [...imports, ...globals]
}

/** Folders and files are called after what they hold. */
function checkName(path: string): Violation[] {
  return path.split('/').flatMap((segment) => {
    const [stem = ''] = segment.toLowerCase().split('.')
    const word = forbiddenNames.find((name) => stem.split(/[-_]/).at(-1) === name)
    return word === undefined
      ? []
      : [{ path, message: `"${word}" says nothing: name it after what it holds` }]
  })
}
