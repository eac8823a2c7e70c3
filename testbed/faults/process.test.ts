import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { startTime } from '../clusters/run.ts'
import { TestProcess } from './process.ts'

const started: TestProcess[] = []
afterEach(() => Promise.all(started.splice(0).map((each) => each.kill())))

const counter = `let n = 0; console.log('I am', process.pid, process.argv[2]); setInterval(() => console.log('tick', ++n), 20)`

async function start(script: string, ...args: string[]): Promise<TestProcess> {
  const child = await TestProcess.start({ name: 'counter', args: ['-e', script, '--', ...args] })
  started.push(child)
  return child
}

test('a killed process is gone, and starts again with the same arguments as another process', async () => {
  const child = await start(
    `console.log('I am', process.pid, process.argv.at(-1)); setInterval(() => {}, 1000)`,
    'x',
  )
  const first = (await child.says(/I am (\d+) x/))[1]
  expect(Number(first)).toBe(child.pid)
  await child.kill()
  expect(child.running).toBe(false)
  expect(startTime(Number(first))).toBeUndefined()
  await child.start()
  const second = (await child.says(/I am (\d+) x/))[1]
  expect(second).not.toBe(first)
  await child.restart()
  expect((await child.says(/I am (\d+) x/))[1]).not.toBe(second)
})

test('a paused process does nothing, and goes on when resumed', async () => {
  const child = await start(counter)
  await child.says(/tick 3/)
  await child.pause()
  await sleep(100)
  const before = child.output()
  await sleep(300)
  expect(child.output()).toBe(before)
  child.resume()
  const ticks = before.match(/tick/g)?.length ?? 0
  await child.says(new RegExp(`tick ${ticks + 1}\\n`))
})

test('a paused process can be killed', async () => {
  const child = await start(counter)
  await child.pause()
  await child.kill()
  expect(child.running).toBe(false)
})

test('terminate lets it say goodbye', async () => {
  const child = await start(
    `process.on('SIGTERM', () => { console.log('goodbye'); process.exit(0) }); console.log('up'); setInterval(() => {}, 1000)`,
  )
  await child.says(/up/)
  await child.terminate()
  expect(child.output()).toContain('goodbye')
})

test('an error says how it ended and what it wrote', async () => {
  const child = await start(`console.error('no such cluster'); process.exit(3)`)
  await expect(child.says(/ready/)).rejects.toThrow(/counter ended \(status 3\)[\s\S]*no such cluster/)
  await expect(TestProcess.start({ name: 'none', program: '/no/such', args: [] })).rejects.toThrow(
    /none: \/no\/such/,
  )
  await expect(child.pause()).rejects.toThrow(/does not run/)
})

test('it does not outlive a run that is killed, and neither does its log', async () => {
  const script = `
    import { TestProcess } from ${JSON.stringify(new URL('./process.ts', import.meta.url).href)}
    const child = await TestProcess.start({ name: 'orphan', args: ['-e', 'setInterval(() => {}, 1000)'] })
    console.log(child.pid + ' ' + child.logFile)`
  const run = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let line = ''
  for await (line of createInterface(run.stdout)) break
  const [pid, logFile] = line.split(' ')
  expect(startTime(Number(pid))).toBeDefined()
  run.kill('SIGKILL')
  await once(run, 'exit')
  await expect.poll(() => startTime(Number(pid)), { timeout: 10_000 }).toBeUndefined()
  await expect.poll(() => existsSync(logFile ?? ''), { timeout: 10_000 }).toBe(false)
})
