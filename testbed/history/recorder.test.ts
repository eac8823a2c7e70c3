import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HistoryEvent } from './event.ts'
import { mergeHistories, Recorder, readHistory } from './recorder.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'braid-history-'))
})
afterAll(() => rm(folder, { recursive: true }))

const sent: HistoryEvent = {
  type: 'sent',
  at: 1.5,
  producer: 'p',
  call: 0,
  topic: 't',
  keys: ['k "quoted"'],
  ids: ['p:0'],
}
const acknowledged: HistoryEvent = {
  type: 'acknowledged',
  at: 2.5,
  producer: 'p',
  call: 0,
  partitions: [3],
  offsets: [(1n << 62n) + 1n],
}

test('a history comes back from its file as it was, 64 bit offsets too', async () => {
  const file = join(folder, 'whole')
  const recorder = new Recorder({ file })
  recorder.record(sent)
  recorder.record(acknowledged)
  await recorder.close()
  expect(await readHistory(file)).toEqual([sent, acknowledged])
  expect(recorder.events).toEqual([sent, acknowledged])
})

test('a killed process leaves a cut line, which is no event', async () => {
  const file = join(folder, 'cut')
  const recorder = new Recorder({ file })
  recorder.record(sent)
  await recorder.close()
  await appendFile(file, '{"type":"sent","at":3,"prod')
  expect(await readHistory(file)).toEqual([sent])
})

test('a line that is no event is an error that names it', async () => {
  const file = join(folder, 'wrong')
  await appendFile(file, '{"type":"rumour"}\n')
  await expect(readHistory(file)).rejects.toThrow(/wrong:1: not an event/)
})

test('a full recorder refuses, it never forgets in silence', () => {
  const recorder = new Recorder({ maxEvents: 1 })
  recorder.record(sent)
  expect(() => recorder.record(acknowledged)).toThrow(/holds 1 events already/)
})

test('histories of several processes merge in the order of their common clock', () => {
  const early: HistoryEvent = { ...sent, at: 1, call: 7 }
  expect(mergeHistories([sent, acknowledged], [early])).toEqual([early, sent, acknowledged])
})
