import { expect, it } from 'vitest'
import { publishedManifest } from './published-manifest.ts'

it('names what was built, what it needs and nothing of how it was made', () => {
  expect(
    publishedManifest({
      name: '@braid/cli',
      version: '0.1.0',
      license: 'Apache-2.0',
      private: true,
      exports: { '.': './src/index.ts', './main': './src/main.ts', './package.json': './package.json' },
      bin: { braid: './bin/braid.js' },
      scripts: { test: 'vitest run' },
      dependencies: { '@braid/proxy': '0.1.0' },
      devDependencies: { vitest: '^5.0.0' },
    }),
  ).toEqual({
    name: '@braid/cli',
    version: '0.1.0',
    license: 'Apache-2.0',
    exports: {
      '.': { types: './src/index.d.ts', default: './src/index.js' },
      './main': { types: './src/main.d.ts', default: './src/main.js' },
      './package.json': './package.json',
    },
    types: './src/index.d.ts',
    bin: { braid: './bin/braid.js' },
    dependencies: { '@braid/proxy': '0.1.0' },
  })
})
