// To see a change of words or of a plan: WRITE_EXPECTED=1 npx vitest run src/planner/expected.test.ts, then git diff.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { scenarios } from './testing/scenarios.ts'

const folder = new URL('expected/', import.meta.url)
const fileOf = (name: string) => new URL(`${name}.txt`, folder)

it.each(Object.entries(scenarios))('%s', (name, plan) => {
  const text = plan()
  if (process.env.WRITE_EXPECTED === '1') writeFileSync(fileOf(name), text)
  expect(text).toBe(readFileSync(fileOf(name), 'utf8'))
})

it('every expected text has its scenario', () => {
  expect(readdirSync(folder).sort()).toEqual(
    Object.keys(scenarios)
      .map((name) => `${name}.txt`)
      .sort(),
  )
})
