// What proxies say that they acknowledged and delivered, as counters that begin at zero when a proxy starts.

export const acknowledgedMetric = 'braid_proxy_acknowledged_records_total'
export const deliveredMetric = 'braid_proxy_delivered_records_total'

/** By `tenant/topic`: neither has a slash. */
export type Counts = ReadonlyMap<string, number>

export function parseCounts(text: string, metric: string): Counts {
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${metric}{`)) continue
    const labels = new Map(Array.from(line.matchAll(/(\w+)="([^"]*)"/g), ([, name, value]) => [name, value]))
    const value = Number(
      line
        .slice(line.lastIndexOf('}') + 1)
        .trim()
        .split(' ')[0],
    )
    const tenant = labels.get('tenant')
    const topic = labels.get('topic')
    if (tenant === undefined || topic === undefined || !Number.isFinite(value)) continue
    const key = `${tenant}/${topic}`
    counts.set(key, (counts.get(key) ?? 0) + value)
  }
  return counts
}

/** Adds up what several proxies counted since they were first heard, over their restarts. */
export class ProxyCounts {
  readonly #last = new Map<string, Counts>()
  readonly #totals = new Map<string, number>()

  /** What a proxy says now. */
  heard(target: string, counts: Counts): void {
    const last = this.#last.get(target)
    for (const [key, value] of counts) {
      // The first time it is heard nobody knows how much of it is old.
      if (last === undefined) {
        this.#totals.set(key, this.#totals.get(key) ?? 0)
        continue
      }
      const before = last.get(key) ?? 0
      // Less than before: it was started again, and counts from zero (as Prometheus' increase() takes it).
      const grown = value >= before ? value - before : value
      this.#totals.set(key, (this.#totals.get(key) ?? 0) + grown)
    }
    const kept = [...(last ?? [])].filter(([key]) => this.#totals.has(key))
    this.#last.set(target, new Map([...kept, ...counts]))
  }

  /** What a proxy still says stays known of it: it is not new when the topic is back. */
  forgetAllBut(isNeeded: (key: string) => boolean): void {
    for (const key of this.#totals.keys()) if (!isNeeded(key)) this.#totals.delete(key)
  }

  get totals(): Counts {
    return this.#totals
  }
}
