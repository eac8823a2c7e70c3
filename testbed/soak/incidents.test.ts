import { expect, test } from 'vitest'
import { incidentsOf } from './soak.ts'

const clusters = ['a', 'b', 'c']
const names = (seed: number) =>
  Array.from({ length: 200 }, (_, index) => incidentsOf(seed, clusters)(index).name)

test('the same seed makes the same choices, another one others', () => {
  expect(names(4_711)).toEqual(names(4_711))
  expect(names(4_711)).not.toEqual(names(4_712))
})

test('every kind of fault comes, on every cluster and proxy', () => {
  const all = names(1).join('\n')
  for (const kind of [
    ...clusters.flatMap((cluster) => [`${cluster} killed`, `${cluster} paused`, `${cluster} cut off`]),
    'links to',
    'proxy-1 killed',
    'proxy-2 paused',
    'cut off from the control plane',
    'the control plane killed',
    'moved to',
    'given up by hand',
  ]) {
    expect(all).toContain(kind)
  }
})
