import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { LineProcess } from './line-process.ts'

let child: LineProcess | undefined
afterEach(() => child?.kill())

async function run(script: string): Promise<LineProcess> {
  child = await LineProcess.start({ name: 'the child', command: process.execPath, args: ['-e', script] })
  return child
}

describe('a child that speaks in lines', () => {
  test('is heard, also when it spoke before anybody listened', async () => {
    const talker = await run(`console.log('{"event":"ready","port":7}'); setInterval(() => {}, 1000)`)
    await sleep(300)
    const line = await talker.waitFor('ready', ({ event }) => event === 'ready', 5_000)
    expect(line.port).toBe(7)
  })

  test('takes messages on standard input', async () => {
    const echo = await run(`process.stdin.on('data', (data) => process.stdout.write(data))`)
    echo.send({ event: 'hello' })
    await echo.waitFor('hello', ({ event }) => event === 'hello', 5_000)
  })

  test('that ends too early is an error with its last words', async () => {
    const dying = await run(`console.error('no port'); process.exit(3)`)
    await expect(dying.waitFor('ready', () => false, 5_000)).rejects.toThrow(
      /the child ended \(3\).*\nno port/,
    )
  })

  test('that stays silent is an error at the deadline', async () => {
    const silent = await run(`setInterval(() => {}, 1000)`)
    await expect(silent.waitFor('ready', () => false, 200)).rejects.toThrow(/did not say ready within 200 ms/)
  })

  test('is stopped, even while it is paused', async () => {
    const paused = await run(`setInterval(() => {}, 1000)`)
    await paused.pause()
    await paused.stop()
    expect(paused.running).toBe(false)
  })

  test('is an error when the program is not there', async () => {
    const missing = LineProcess.start({ name: 'missing', command: '/no/such/program', args: [] })
    await expect(missing).rejects.toThrow(/ENOENT/)
  })
})
