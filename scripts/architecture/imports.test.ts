import { describe, expect, it } from 'vitest'
import { importsOf, packageOf, withoutComments } from './imports.ts'

describe('importsOf', () => {
  it('sees every way to import, and where', () => {
    const source = [
      "import { a } from './a.ts'",
      "import type { B } from '@braid/b'",
      'import {',
      '  c,',
      "} from 'c'",
      "import 'd'",
      "export * from './e.ts'",
      "const f = await import('f')",
      "type G = import('g').G",
    ].join('\n')
    expect(importsOf(source).map(({ specifier, line }) => [specifier, line])).toEqual([
      ['./a.ts', 1],
      ['@braid/b', 2],
      ['c', 5],
      ['d', 6],
      ['./e.ts', 7],
      ['f', 8],
      ['g', 9],
    ])
  })

  it('takes neither comments nor words for imports', () => {
    const source = [
      "// import { a } from './a.ts'",
      " * import { b } from './b.ts'",
      "export const c = Array.from('c')",
      "const text = 'copied from ' + 'd'",
    ].join('\n')
    expect(importsOf(source)).toEqual([])
  })
})

it('packageOf cuts off what is inside a package', () => {
  expect(['@braid/proxy/src/x.ts', '@braid/proxy', 'zod/v4', 'zod'].map(packageOf)).toEqual([
    '@braid/proxy',
    '@braid/proxy',
    'zod',
    'zod',
  ])
})

it('withoutComments keeps code, addresses and line numbers', () => {
  const source = "/* one\ntwo */ a('http://x') // three\n// four\nb"
  expect(
    withoutComments(source)
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual(['', "a('http://x')", '', 'b'])
})
