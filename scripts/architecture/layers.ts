/**
 * Who may import whom. Imports only point up this list; packages on one line never import each other. The
 * same order stands in CONTRIBUTING.md for people.
 */
export const layers: readonly (readonly string[])[] = [
  ['packages/routing-model'],
  ['packages/kafka-protocol'],
  ['packages/kafka-connection'],
  ['packages/control-api'],
  ['packages/virtual-cluster'],
  ['packages/client', 'packages/proxy', 'packages/router', 'packages/control-plane', 'packages/monitor'],
  ['apps/braid', 'apps/console'],
  ['testbed'],
]

/** Code that decides and does no I/O: what it needs comes in as arguments. */
export const pureFolders: readonly { readonly folder: string; readonly allowed: readonly string[] }[] = [
  { folder: 'packages/routing-model/src', allowed: [] },
  // Bytes are its trade: Buffer, and the decoding of gzip, which is a function of bytes.
  { folder: 'packages/kafka-protocol/src', allowed: ['node:buffer', 'node:zlib'] },
  { folder: 'packages/control-plane/src/planner', allowed: [] },
]

/** Names that say nothing about what is inside. */
export const forbiddenNames: readonly string[] = [
  'util',
  'utils',
  'helper',
  'helpers',
  'common',
  'manager',
  'managers',
  'misc',
]
