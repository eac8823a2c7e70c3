import { describe, expect, test } from 'vitest'
import type { MovingTopicState } from '../workloads/moving-topic.ts'
import { progressView } from './progress.ts'

const working = (acknowledged: number): MovingTopicState => ({
  kind: 'working',
  at: 'a',
  moves: 0,
  progress: { sent: acknowledged, acknowledged, received: 1 },
})
const moved: MovingTopicState = {
  kind: 'moved',
  move: { type: 'moved', at: 350, topic: 'orders', from: 'a', to: 'b', startedAt: 100, sealMs: 30 },
}

function screenOf(isTTY: boolean, columns = 80) {
  const screen = { isTTY, columns, text: '', write: (text: string) => (screen.text += text) }
  return screen
}

describe('in a log', () => {
  test('what changes is a line, what counts up is one every five seconds', () => {
    let nowMs = 0
    const screen = screenOf(false)
    const view = progressView(screen, () => nowMs)
    for (; nowMs <= 6_000; nowMs += 250) view.show(working(nowMs))
    view.show(moved)
    view.end()
    expect(screen.text.split('\n')).toEqual([
      '   0.0 s  on a · 0 written · 1 read · 0 moves',
      '   5.0 s  on a · 5000 written · 1 read · 0 moves',
      '   6.3 s  moved orders a → b in 250 ms, sealed within 30 ms',
      '',
    ])
  })
})

describe('in a terminal', () => {
  test('the last line changes in place and is gone at the end', () => {
    const screen = screenOf(true)
    const view = progressView(screen, () => 0)
    view.show(working(1))
    view.show(working(2))
    view.say('a line')
    view.end()
    expect(shown(screen.text)).toEqual(['   0.0 s  a line', ''])
  })

  test('it never wraps: a wrapped line could not be taken back', () => {
    const screen = screenOf(true, 24)
    progressView(screen, () => 0).show(working(123_456_789))
    expect(shown(screen.text).at(-1)).toHaveLength(23)
  })
})

/** The lines as a terminal ends up showing them: `\r` and "erase line" take back the line they are on. */
function shown(text: string): string[] {
  return text.split('\n').map((line) => line.split('\r\x1b[2K').at(-1)!)
}
