import type { Growth } from './log-records.ts'

/**
 * What came of a topic in one window, [begin, end].
 *
 * A record is in the log before it is acknowledged, at most a `lead` before. So what was acknowledged in the window was
 * appended in [begin - lead, end], and what was appended in [begin, end - lead] was acknowledged in it. Between these two
 * bounds nothing can be said: what is on its way at both ends of the window.
 */
export interface WindowCounts {
  /** By all proxies. */
  readonly acknowledged: number
  /** Of [begin - lead, end]. */
  readonly mostAppended: Growth
  /** Of [begin, end - lead]. */
  readonly leastAppended: Growth
  /** Records that a log had and has no more. Its high watermark never goes back otherwise, also with another leader (KIP-207). */
  readonly vanished: bigint
  /** false: not every proxy was heard at both ends. */
  readonly heard: boolean
}

export type Judgement =
  | { readonly kind: 'unjudged'; readonly why: string }
  | { readonly kind: 'even' }
  /** Acknowledged, and not in the log. */
  | { readonly kind: 'loss'; readonly records: number }
  /** In the log, and not acknowledged: repeats of producers without idempotence, or writers that are not counted. */
  | { readonly kind: 'surplus'; readonly records: number }

export function judgeWindow({
  acknowledged,
  mostAppended,
  leastAppended,
  vanished,
  heard,
}: WindowCounts): Judgement {
  // It needs no counts of proxies.
  if (vanished > 0n) return { kind: 'loss', records: Number(vanished) }
  if (!heard) return { kind: 'unjudged', why: 'a proxy did not tell what it acknowledged' }
  if (!mostAppended.certain || !leastAppended.certain)
    return { kind: 'unjudged', why: 'the end of a loglet is not known' }
  const lost = acknowledged - Number(mostAppended.records)
  if (lost > 0) return { kind: 'loss', records: lost }
  const surplus = Number(leastAppended.records) - acknowledged
  return surplus > 0 ? { kind: 'surplus', records: surplus } : { kind: 'even' }
}
