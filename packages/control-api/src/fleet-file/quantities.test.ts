import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatBytesPerSecond, formatDurationMs, parseBytesPerSecond, parseDurationMs } from './quantities.ts'

describe('a rate', () => {
  it.each([
    ['5MB/s', 5_000_000],
    ['5 MB/s', 5_000_000],
    ['5MB', 5_000_000],
    ['5MiB/s', 5_242_880],
    ['300KB/s', 300_000],
    ['300kB/s', 300_000],
    ['1.5MB/s', 1_500_000],
    ['0.1GB/s', 100_000_000],
    ['1.25KiB/s', 1280],
    ['1234', 1234],
    ['0', 0],
    ['1TB/s', 1_000_000_000_000],
  ])('%s is %d bytes per second', (text, value) => {
    expect(parseBytesPerSecond(text)).toEqual({ value })
  })

  it.each([
    ['', 'is none'],
    ['fast', 'is none'],
    ['-5MB/s', 'is none'],
    ['5MB/h', 'is none'],
    ['5,5MB/s', 'is none'],
    ['1e6', 'is none'],
    ['0x10', 'is none'],
    ['5MB/s/s', 'is none'],
    ['5\u00a0\u001b[31mMB/s', 'is none'],
    ['5Mb/s', 'has no unit that is known'],
    ['5mb/s', 'has no unit that is known'],
    ['5constructor', 'has no unit that is known'],
    ['5d', 'has no unit that is known'],
    ['0.5', 'no whole number of bytes'],
    ['1.0001KB/s', 'no whole number of bytes'],
    ['2TB/s', 'is above 1000000000000 bytes'],
    [`${'9'.repeat(20)}`, 'is above'],
    ['9'.repeat(1000), 'is none'],
  ])('%j is none, and the reason shows how to write one', (text, reason) => {
    const parsed = parseBytesPerSecond(text)
    expect(parsed).toEqual({ reason: expect.stringContaining(reason) })
    expect(parsed).toEqual({ reason: expect.stringContaining('5MB/s') })
    // What is shown of it never reaches a terminal raw, nor fills it.
    expect((parsed as { reason: string }).reason).not.toContain('\u001b')
    expect((parsed as { reason: string }).reason.length).toBeLessThan(250)
  })

  it('is written in the unit that makes it shortest, and exactly', () => {
    expect([5_000_000, 5_242_880, 300_000, 1234, 0, 1_500_000, 1_024_000].map(formatBytesPerSecond)).toEqual([
      '5MB/s',
      '5MiB/s',
      '300KB/s',
      1234,
      0,
      '1500KB/s',
      '1000KiB/s',
    ])
  })
})

describe('a duration', () => {
  it.each([
    ['7d', 604_800_000],
    ['12h', 43_200_000],
    ['90m', 5_400_000],
    ['1.5s', 1500],
    ['250ms', 250],
    ['86400000', 86_400_000],
  ])('%s is %d ms', (text, value) => {
    expect(parseDurationMs(text)).toEqual({ value })
  })

  it.each(['', 'week', '7 days', '-1d', '1h30m', '0.5ms', '1M', '5MB/s', '99999999999999d'])(
    '%j is none',
    (text) => {
      expect(parseDurationMs(text)).toEqual({ reason: expect.stringContaining('7d, 12h, 90m') })
    },
  )
})

it('what is written is read as the same', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.nat(),
        fc.nat(4000).map((n) => n * 1024),
        fc.nat(4000).map((n) => n * 86_400_000),
      ),
      (value) => {
        expect(parseBytesPerSecond(String(formatBytesPerSecond(value)))).toEqual({ value })
        expect(parseDurationMs(String(formatDurationMs(value)))).toEqual({ value })
      },
    ),
  )
})
