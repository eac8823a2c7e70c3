import { type Pause, summarizePauses } from './pauses.ts'

export interface Verdict {
  verdict: 'clean' | 'broken'
  /** Records that a client was told are written. */
  acknowledged: number
  /** Acknowledged, and not in the topic. */
  lost: number
  /** More than once in the topic, though its producer is idempotent. */
  duplicated: number
  /** After a record with the same key that the same producer sent later. */
  reordered: number
  /** A reader came to an offset at or before one it had read, without starting over. */
  offsetsBack: number
  /** One offset, two records: what was acknowledged or read there is not what stands there. */
  offsetsReused: number
  /** A committed position was forgotten, or a later commit of the same generation pointed before it. */
  commitsLost: number
  /** Acknowledged and in the topic, and never delivered to a group that read to the end. */
  unseen: number
  /** In the topic, and sent by nobody in this history. */
  foreign: number
  /** What clients reported to their applications. */
  errors: number
  /**
   * Read by a group on a cluster that was lost then, and once more where recovery or its producer has put it. A failover
   * may cost that, so it is counted, and no defect.
   */
  readTwice: number
  /** What is behind the numbers above, the first few of each kind. */
  evidence: readonly string[]
}

/** The last line of a run, for people: the numbers that everybody asks for. */
export function verdictLine(verdict: Verdict, pauses: readonly Pause[]): string {
  const pause = summarizePauses(pauses.map(({ pauseMs }) => pauseMs))
  return [
    verdictCounts(verdict),
    `moves ${pauses.length}`,
    `pause p50 ${wholeMs(pause.p50)} ms p99 ${wholeMs(pause.p99)} ms max ${wholeMs(pause.max)} ms`,
  ].join(' · ')
}

/** What such a line begins with: the word, what everybody asks for, and what else was found. */
export function verdictCounts(verdict: Verdict): string {
  const beyond = (
    [
      ['offsets back', verdict.offsetsBack],
      ['offsets reused', verdict.offsetsReused],
      ['commits lost', verdict.commitsLost],
      ['unseen', verdict.unseen],
      ['foreign', verdict.foreign],
      ['read twice', verdict.readTwice],
    ] as const
  ).filter(([, count]) => count > 0)
  return [
    `verdict: ${verdict.verdict}`,
    `acknowledged ${verdict.acknowledged}`,
    `lost ${verdict.lost}`,
    `duplicated ${verdict.duplicated}`,
    `reordered ${verdict.reordered}`,
    ...beyond.map(([name, count]) => `${name} ${count}`),
    `errors ${verdict.errors}`,
  ].join(' · ')
}

/** One verdict over several topics' runs. */
export function verdictOfAll(verdicts: readonly Verdict[]): Verdict {
  const [first, ...others] = verdicts
  if (first === undefined) throw new Error('there is no verdict of nothing')
  return others.reduce(
    (all, { verdict, evidence, ...counts }): Verdict => ({
      ...(Object.fromEntries(
        Object.entries(counts).map(([kind, count]) => [kind, count + all[kind as keyof typeof counts]]),
      ) as typeof counts),
      verdict: all.verdict === 'clean' ? verdict : 'broken',
      evidence: [...all.evidence, ...evidence],
    }),
    first,
  )
}

function wholeMs(ms: number): string {
  return ms.toFixed(0)
}
