// How fast each tenant uses up what its service level allows to fail: Google's SRE Workbook, chapter 5, "Alerting on SLOs",
// method 6. A burn rate of 1 uses exactly all of it in the level's period. Two windows at a time: the long one says
// that it matters, the short one that it still goes on.
import type { Find } from '../findings.ts'

export const sloWindows = [
  { name: '5m', minutes: 5 },
  { name: '30m', minutes: 30 },
  { name: '1h', minutes: 60 },
  { name: '6h', minutes: 360 },
] as const
export type SloWindow = (typeof sloWindows)[number]['name']

/** In 30 days: 2 % of what is allowed in one hour, and 5 % in six. */
export const burnAlerts: readonly {
  readonly long: SloWindow
  readonly short: SloWindow
  readonly above: number
  readonly severity: 'error' | 'warning'
}[] = [
  { long: '1h', short: '5m', above: 14.4, severity: 'error' },
  { long: '6h', short: '30m', above: 6, severity: 'warning' },
]

const MINUTES = 360
const TENANTS_MAX = 10_000

/** Checks of the last six hours, by minute. */
class CheckRing {
  readonly #good = new Uint32Array(MINUTES)
  readonly #bad = new Uint32Array(MINUTES)
  #minute = 0

  add(minute: number, good: number, bad: number): void {
    this.#forward(minute)
    this.#good[minute % MINUTES]! += good
    this.#bad[minute % MINUTES]! += bad
  }

  /**
   * Of the last minutes, this one among them; undefined without any check. A minute without checks counts as one in which
   * none failed: else the first slow check of a monitor that was just started would stand for hours.
   */
  badShare(minute: number, minutes: number): number | undefined {
    this.#forward(minute)
    let all = 0
    let bad = 0
    let checked = 0
    for (let i = 0; i < minutes; i++) {
      const at = (minute - i + MINUTES) % MINUTES
      const inMinute = this.#good[at]! + this.#bad[at]!
      all += inMinute
      bad += this.#bad[at]!
      if (inMinute > 0) checked++
    }
    return all === 0 ? undefined : (bad / all) * (checked / minutes)
  }

  #forward(minute: number): void {
    const passed = Math.min(MINUTES, minute - this.#minute)
    for (let i = 0; i < passed; i++) {
      this.#good[(minute - i) % MINUTES] = 0
      this.#bad[(minute - i) % MINUTES] = 0
    }
    if (passed > 0) this.#minute = minute
  }
}

export class BurnRates {
  readonly #allowedShare: number
  readonly #find: Find
  readonly #rings = new Map<string, CheckRing>()
  readonly #burning = new Set<string>()

  /** `targetPercent`: 99.9 allows one check of a thousand to fail. */
  constructor(targetPercent: number, find: Find) {
    this.#allowedShare = 1 - targetPercent / 100
    this.#find = find
  }

  add(tenant: string, nowMs: number, good: number, bad: number): void {
    let ring = this.#rings.get(tenant)
    if (ring === undefined) {
      if (this.#rings.size >= TENANTS_MAX) return
      ring = new CheckRing()
      this.#rings.set(tenant, ring)
    }
    ring.add(minuteOf(nowMs), good, bad)
  }

  forgetAllBut(tenants: ReadonlySet<string>): void {
    for (const tenant of this.#rings.keys()) if (!tenants.has(tenant)) this.#rings.delete(tenant)
    for (const key of this.#burning)
      if (!tenants.has(key.slice(key.indexOf('/') + 1))) this.#burning.delete(key)
  }

  *rates(nowMs: number): Iterable<{ tenant: string; window: SloWindow; rate: number }> {
    for (const [tenant, ring] of this.#rings) {
      for (const { name, minutes } of sloWindows) {
        const share = ring.badShare(minuteOf(nowMs), minutes)
        if (share !== undefined) yield { tenant, window: name, rate: share / this.#allowedShare }
      }
    }
  }

  /** Tells of tenants that begin to burn. */
  judge(nowMs: number): void {
    for (const [tenant, ofTenant] of Map.groupBy(this.rates(nowMs), ({ tenant }) => tenant)) {
      const rate = (window: SloWindow) => ofTenant.find((one) => one.window === window)?.rate ?? 0
      for (const { long, short, above, severity } of burnAlerts) {
        const key = `${long}/${tenant}`
        if (rate(long) <= above || rate(short) <= above) {
          this.#burning.delete(key)
          continue
        }
        if (this.#burning.has(key)) continue
        this.#burning.add(key)
        const [ofLong, ofShort] = [rate(long).toFixed(1), rate(short).toFixed(1)]
        const detail = `tenant ${tenant} uses up what its service level allows ${ofLong} times as fast as it may over ${long}, ${ofShort} times over ${short}`
        const evidence = { long, short, longRate: rate(long), shortRate: rate(short), above }
        this.#find({ kind: 'SLO_BURNS', severity, tenant, detail, evidence })
      }
    }
  }
}

const minuteOf = (nowMs: number): number => Math.floor(nowMs / 60_000)
