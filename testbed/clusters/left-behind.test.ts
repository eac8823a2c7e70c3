import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { markedProcesses, removeAbandonedProcesses, removeProcesses } from './left-behind.ts'
import { currentRun, RUN_VARIABLE, runFolder, runIsAlive, startTime } from './run.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function sleeper(run?: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], {
    stdio: 'ignore',
    env: run === undefined ? {} : { [RUN_VARIABLE]: run },
  })
  children.push(child)
  await once(child, 'spawn')
  return child
}

test('a run lives as long as its process, and is not mistaken for a later one of the same pid', async () => {
  const child = await sleeper()
  const run = `${child.pid}-${startTime(child.pid!)}`
  expect(runIsAlive(run)).toBe(true)
  expect(runIsAlive(`${child.pid}-1`)).toBe(false)
  expect(runIsAlive(currentRun())).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(runIsAlive(run)).toBe(false)
  expect(runIsAlive('no run')).toBe(false)
})

test('what a run marked is removed, and nothing else', async () => {
  const run = '4194999-77'
  const [marked, other] = [await sleeper(run), await sleeper('4194998-77')]
  const file = join(runFolder(run), 'a-cluster', 'data')
  mkdirSync(file, { recursive: true })
  writeFileSync(join(file, 'log'), 'x')
  expect(markedProcesses()).toContainEqual({ pid: marked.pid, run })
  expect(await removeProcesses(run)).toBe(1)
  expect(startTime(marked.pid!)).toBeUndefined()
  expect(existsSync(runFolder(run))).toBe(false)
  expect(startTime(other.pid!)).toBeDefined()
  expect(await removeProcesses(run)).toBe(0)
})

test('what is left of ended runs is removed, what living ones have is kept', async () => {
  const [abandoned, ours, unmarked] = [
    await sleeper('4194997-77'),
    await sleeper(currentRun()),
    await sleeper(),
  ]
  mkdirSync(runFolder('4194996-77'), { recursive: true })
  await removeAbandonedProcesses()
  expect(startTime(abandoned.pid!)).toBeUndefined()
  expect(existsSync(runFolder('4194996-77'))).toBe(false)
  expect(startTime(ours.pid!)).toBeDefined()
  expect(startTime(unmarked.pid!)).toBeDefined()
})
