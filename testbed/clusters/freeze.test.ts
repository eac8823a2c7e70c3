import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { freeze } from './freeze.ts'

const folder = mkdtempSync(join(tmpdir(), 'braid-freeze-'))
const file = join(folder, 'written')
const sixThreadsWrite = `
  const { Worker } = require('node:worker_threads')
  let writing = 0
  const writeOn = "const { openSync, writeSync } = require('node:fs'); const file = openSync(process.env.WRITTEN, 'a'); " +
    "writeSync(file, '.'); require('node:worker_threads').parentPort.postMessage(''); for (;;) writeSync(file, '.')"
  for (let i = 0; i < 6; i++) new Worker(writeOn, { eval: true }).on('message', () => ++writing === 6 && console.log('writing'))
`
let child: ChildProcess

beforeEach(async () => {
  child = spawn(process.execPath, ['-e', sixThreadsWrite], {
    env: { ...process.env, WRITTEN: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout!, 'data')
})

afterEach(end)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function end(): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('no thread of a frozen process does anything, and all go on when it goes on', async () => {
  for (let i = 0; i < 30; i++) {
    await freeze(child.pid!)
    const size = statSync(file).size
    await sleep(10)
    expect(statSync(file).size).toBe(size)
    child.kill('SIGCONT')
    await expect.poll(() => statSync(file).size).toBeGreaterThan(size)
  }
})

test('one that has ended is an error', async () => {
  await end()
  await expect(freeze(child.pid!)).rejects.toThrow(/ESRCH/)
})
