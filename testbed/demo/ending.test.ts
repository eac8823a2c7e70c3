import { afterEach, expect, test } from 'vitest'
import { Ending, unlessEnded } from './ending.ts'

let ending: Ending | undefined
afterEach(() => ending?.end().catch(() => {}))

test('what was started ends in reverse, once', async () => {
  ending = new Ending()
  const ended: string[] = []
  ending.add(async () => void ended.push('clusters'))
  ending.add(async () => void ended.push('proxies'))
  await Promise.all([ending.end(), ending.end()])
  expect(ended).toEqual(['proxies', 'clusters'])
})

test('one end that fails does not keep the others', async () => {
  ending = new Ending()
  let cleaned = false
  ending.add(async () => {
    cleaned = true
  })
  ending.add(async () => {
    throw new Error('stuck')
  })
  await expect(ending.end()).rejects.toThrow('not everything ended in order')
  expect(cleaned).toBe(true)
})

test('SIGINT gives up what is awaited, and takes its listeners away at the end', async () => {
  const before = process.listenerCount('SIGINT')
  ending = new Ending()
  const waiting = unlessEnded(ending.signal, new Promise(() => {}))
  process.emit('SIGINT', 'SIGINT')
  await expect(waiting).rejects.toThrow('ended by SIGINT')
  await ending.end()
  expect(process.listenerCount('SIGINT')).toBe(before)
})
