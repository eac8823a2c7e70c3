import { describe, expect, it } from 'vitest'
import { prometheusText } from './prometheus-text.ts'

describe('what Prometheus reads', () => {
  it('has each metric once, with its help, its type and its values', () => {
    expect(
      prometheusText([
        {
          name: 'a_total',
          help: 'All of a',
          type: 'counter',
          values: [
            [{ of: 'x' }, 1],
            [{ of: 'y' }, 2.5],
          ],
        },
        { name: 'b', help: 'One b', type: 'gauge', values: [[{}, Number.POSITIVE_INFINITY]] },
      ]),
    ).toBe(
      '# HELP a_total All of a\n# TYPE a_total counter\na_total{of="x"} 1\na_total{of="y"} 2.5\n' +
        '# HELP b One b\n# TYPE b gauge\nb +Inf\n',
    )
  })

  it('leaves out what has no values', () => {
    expect(prometheusText([{ name: 'a', help: 'A', type: 'gauge', values: [] }])).toBe('')
  })

  it('takes any text as a label', () => {
    const text = prometheusText([{ name: 'a', help: 'A', type: 'gauge', values: [[{ l: 'q"\\\n' }, 0]] }])
    expect(text).toContain('a{l="q\\"\\\\\\n"} 0\n')
  })
})
