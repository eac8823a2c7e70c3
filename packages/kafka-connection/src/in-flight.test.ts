import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InFlight, type OnAnswer } from './in-flight.ts'

describe('requests under way', () => {
  test('leave in the order in which they came, through any growth and past the last correlation id', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 2 ** 31 - 5, -3),
        fc.array(fc.oneof(fc.constant('send' as const), fc.constant('answer' as const)), { maxLength: 400 }),
        (first, steps) => {
          const ring = new InFlight(first)
          const model: { id: number; onAnswer: OnAnswer; timeoutMs: number; flexible: boolean }[] = []
          let sent = 0
          for (const step of steps) {
            if (step === 'send') {
              const onAnswer = () => {}
              const timeoutMs = sent * 7
              const flexible = sent % 3 === 0
              const id = ring.push(onAnswer, timeoutMs, flexible)
              expect(id).toBe((first + sent) | 0)
              model.push({ id, onAnswer, timeoutMs, flexible })
              sent++
            } else if (model.length > 0) {
              const oldest = model.shift()!
              expect(ring.headCorrelationId).toBe(oldest.id)
              expect(ring.headTimeoutMs).toBe(oldest.timeoutMs)
              expect(ring.headFlexible).toBe(oldest.flexible)
              expect(ring.shift()).toBe(oldest.onAnswer)
            }
            expect(ring.count).toBe(model.length)
          }
        },
      ),
    )
  })

  test('1,000 at a time keep their places', () => {
    const ring = new InFlight()
    const answers = Array.from({ length: 1_000 }, () => () => {})
    for (const answer of answers) ring.push(answer, 1, false)
    expect(answers.every((answer) => ring.shift() === answer)).toBe(true)
    expect(ring.count).toBe(0)
  })
})
