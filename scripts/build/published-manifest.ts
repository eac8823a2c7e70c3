import type { Manifest } from '../workspaces.ts'

/**
 * What stands in dist/package.json. dist mirrors the package's folder, so paths stay as they are and only
 * endings change: every relative reference between its files is as right as in the sources.
 */
export function publishedManifest(manifest: Manifest): Record<string, unknown> {
  const { scripts, devDependencies, private: _, exports = {}, ...kept } = manifest
  const types = exports['.']
  return {
    ...kept,
    exports: Object.fromEntries(Object.entries(exports).map(([name, path]) => [name, exportOf(path)])),
    ...(types !== undefined && { types: declarationOf(types) }),
  }
}

function exportOf(path: string): string | Record<string, string> {
  if (!path.endsWith('.ts')) return path
  return { types: declarationOf(path), default: path.replace(/\.ts$/, '.js') }
}

const declarationOf = (path: string): string => path.replace(/\.ts$/, '.d.ts')
