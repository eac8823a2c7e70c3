import type { Distribution, Labels } from '@braid/control-api'

/** Upper bounds, seconds: from a local network to what a check allows. */
export const latencyBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const

/** Series that are kept; further ones are not counted. */
const SERIES_MAX = 20_000

interface Series {
  readonly labels: Labels
  readonly counts: number[]
  sum: number
  count: number
}

/** Distributions of times, by labels. */
export class Latencies {
  readonly #series = new Map<string, Series>()

  observe(labels: Labels, seconds: number): void {
    const key = JSON.stringify(labels)
    let series = this.#series.get(key)
    if (series === undefined) {
      if (this.#series.size >= SERIES_MAX) return
      series = { labels, counts: latencyBounds.map(() => 0), sum: 0, count: 0 }
      this.#series.set(key, series)
    }
    series.sum += seconds
    series.count++
    const at = latencyBounds.findIndex((bound) => seconds <= bound)
    if (at >= 0) series.counts[at]!++
  }

  /** Of those whose labels are of something that is still there. */
  forgetAllBut(isThere: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.#series) if (!isThere(labels)) this.#series.delete(key)
  }

  values(): [Labels, Distribution][] {
    return [...this.#series.values()].map(({ labels, counts, sum, count }) => {
      let below = 0
      const buckets = latencyBounds.map((bound, i) => {
        below += counts[i]!
        return [bound, below] as const
      })
      return [labels, { buckets, sum, count }]
    })
  }
}
