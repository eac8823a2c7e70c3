export interface Import {
  readonly specifier: string
  readonly line: number
}

const patterns = [
  // import x from 'y', import { a, b } from 'y', import type ..., export ... from 'y': also over several lines.
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g,
]

/** What a TypeScript or JavaScript source imports. Reads the text only: no parser is needed to see imports. */
export function importsOf(source: string): Import[] {
  return patterns
    .flatMap((pattern) => [...source.matchAll(pattern)])
    .map((match) => ({
      specifier: match[1]!,
      line: source.slice(0, match.index + match[0].length).split('\n').length,
    }))
    .toSorted((a, b) => a.line - b.line)
}

/** `@braid/proxy/x` -> `@braid/proxy`, `zod/v4` -> `zod`. */
export function packageOf(specifier: string): string {
  const [scopeOrName = '', name = ''] = specifier.split('/')
  return scopeOrName.startsWith('@') ? `${scopeOrName}/${name}` : scopeOrName
}

/** The source without comments, its lines where they were. */
export function withoutComments(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|\s)\/\/.*$/gm, '$1')
}
