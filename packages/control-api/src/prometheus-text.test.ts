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

  it('writes histograms as cumulative buckets, sum and count', () => {
    const distribution = {
      buckets: [
        [0.1, 3],
        [1, 4],
      ],
      sum: 2.5,
      count: 5,
    } as const
    expect(
      prometheusText([{ name: 'h', help: 'H', type: 'histogram', values: [[{ of: 'x' }, distribution]] }]),
    ).toBe(
      '# HELP h H\n# TYPE h histogram\nh_bucket{of="x",le="0.1"} 3\nh_bucket{of="x",le="1"} 4\n' +
        'h_bucket{of="x",le="+Inf"} 5\nh_sum{of="x"} 2.5\nh_count{of="x"} 5\n',
    )
  })
})
