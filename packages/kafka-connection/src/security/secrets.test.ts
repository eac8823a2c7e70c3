import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readSecret } from './secrets.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'braid-secrets-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const read = (ref: string) => readSecret('kafka-a', ref, 'its SASL password')
async function file(contents: string): Promise<string> {
  const path = join(folder, 'secret')
  await writeFile(path, contents)
  return `file:${path}`
}

test('a secret is a variable, or a file without its last line end', async () => {
  vi.stubEnv('BRAID_SECRET', ' as it is \n')
  expect(await read('env:BRAID_SECRET')).toBe(' as it is \n')
  expect(await read(await file('line\n'))).toBe('line')
  expect(await read(await file('line\r\n'))).toBe('line')
  expect(await read(await file(' two\nlines\n\n'))).toBe(' two\nlines\n')
})

test('a file that changes is read again', async () => {
  const ref = await file('old')
  expect(await read(ref)).toBe('old')
  await file('new')
  expect(await read(ref)).toBe('new')
})

test.each([
  ['an unset variable', 'env:BRAID_UNSET', /needs env:BRAID_UNSET \(its SASL password\).*is not set here/],
  ['no file', 'file:/nowhere/at/all', /ENOENT/],
  ['a folder', `file:${tmpdir()}`, /is no file of at most/],
  ['a device without end', 'file:/dev/zero', /is no file of at most/],
  ['no reference', 'hunter2', /neither env:NAME nor file:\/path/],
])('%s is said', async (_, ref, why) => {
  await expect(read(ref)).rejects.toMatchObject({
    code: 'SECRET_MISSING',
    message: expect.stringMatching(why),
  })
})

test('what is empty is missing', async () => {
  vi.stubEnv('BRAID_EMPTY', '')
  await expect(read('env:BRAID_EMPTY')).rejects.toThrow(/is empty here/)
  await expect(read(await file('\n'))).rejects.toThrow(/is empty$/)
})

test('a file too long is not read', async () => {
  await expect(read(await file('x'.repeat(1024 * 1024 + 1)))).rejects.toThrow(/at most 1048576 bytes/)
})

test('a pipe that nobody writes to holds nobody up', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  await expect(read(`file:${pipe}`)).rejects.toThrow(/is no file/)
})
