import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rate } from './quantity.ts'
import { isSafe, safeData, safeLines, safeText } from './safe-text.ts'
import { table } from './table.ts'
import { cutToWidth, widthOf } from './text-width.ts'

describe('a table on a terminal', () => {
  const columns = ['A', 'B', 'C'].map((head, i) => ({ head, cell: (row: readonly string[]) => row[i]! }))

  it('is never wider than it, whatever is in it, and cuts the widest columns only', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string(), fc.string(), fc.string()), { maxLength: 5 }),
        fc.integer({ min: 40, max: 100 }),
        (rows, widthMax) => {
          const safe = rows.map((row) => row.map(safeText))
          for (const line of table(columns, safe, { widthMax }).split('\n'))
            expect(widthOf(line)).toBeLessThanOrEqual(widthMax)
        },
      ),
    )
    const text = table(columns, [['short', 'x'.repeat(100), 'y']], { widthMax: 40 })
    expect(text).toContain('short')
    expect(text.split('\n')[1]).toMatch(/^short {3}x+… {3}y$/)
  })

  it('counts what characters take: two columns for each of 漢字, one for a letter with its accent', () => {
    expect([widthOf('漢字'), widthOf('e\u0301'), widthOf('ab')]).toEqual([4, 1, 2])
    expect(cutToWidth('漢字漢字', 6)).toBe('漢字…')
  })
})

describe('text from elsewhere', () => {
  it('has nothing that a terminal obeys, and stays what it was otherwise', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(isSafe(safeText(text))).toBe(true)
        expect(isSafe(safeLines(text).replaceAll('\n', ''))).toBe(true)
      }),
    )
    expect(safeText('Größe, 漢字, 👩‍🔧')).toBe('Größe, 漢字, 👩‍🔧')
    expect(safeData({ 'a\u0007': ['\u009b', 1, null] })).toEqual({ 'a\\u0007': ['\\u009b', 1, null] })
    // On a machine that is busy with clusters.
  }, 30_000)
})

it.each([
  [0, '0 B/s'],
  [999, '999 B/s'],
  [1500, '1.5 KB/s'],
  [5_242_880, '5.2 MB/s'],
  [999_600_000, '1 GB/s'],
  [50_000_000, '50 MB/s'],
])('%d bytes per second are shown as %s', (value, text) => {
  expect(rate(value)).toBe(text)
})
