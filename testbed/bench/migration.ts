import { startClusters } from '../clusters/cluster.ts'
import { startBraid } from '../components/running.ts'
import { summarizePauses } from '../history/pauses.ts'
import { verdictLine } from '../history/verdict.ts'
import { runMovingTopic } from '../workloads/moving-topic.ts'
import { type Benchmark, rounded, table } from './benchmark.ts'

const moves = 30

/** How long producers wait when their topic moves, and how much of it lies between refusal and switch. */
export const migrationBenchmark: Benchmark = {
  name: 'migration',
  what: `the pause of producers while a topic of 12 partitions moves ${moves} times under 2,000 records/s`,
  async run(say, signal) {
    const clusters = await startClusters([{ name: 'a' }, { name: 'b' }])
    try {
      const refusalsToSwitchMs: number[] = []
      const braid = await startBraid(clusters, {
        onProxyLine: (_proxy, line) => {
          // Each access point that a producer met a refusal at; one that saw none has nothing to switch.
          if (line.event === 'switch' && typeof line.refusalToSwitchMs === 'number') {
            refusalsToSwitchMs.push(line.refusalToSwitchMs)
          }
        },
      })
      try {
        const { verdict, pauses } = await runMovingTopic({
          controlPlane: braid.controlPlane.client,
          route: { bootstrap: braid.bootstrap },
          bootstrap: braid.bootstrap,
          folder: braid.folder,
          topic: 'bench-migration',
          partitions: 12,
          path: ['a', ...Array.from({ length: moves }, (_, move) => (move % 2 === 0 ? 'b' : 'a'))],
          recordsPerSecond: 2_000,
          warmUpMs: 8_000,
          betweenMovesMs: 1_500,
          signal,
          onState: (state) => {
            if (state.kind === 'moved') {
              const { from, to, sealMs } = state.move
              say(`moved ${from} → ${to}, sealed within ${sealMs.toFixed(0)} ms`)
            }
          },
        })
        for (const line of verdict.evidence) say(line)
        const pause = summarizePauses(pauses.map(({ pauseMs }) => pauseMs))
        const refusal = summarizePauses(refusalsToSwitchMs)
        const row = (name: string, { p50, p95, max }: typeof pause) => [
          name,
          ...[p50, p95, max].map((ms) => ms.toFixed(1)),
        ]
        return {
          table: [
            ...table([
              ['', 'p50 ms', 'p95 ms', 'max ms'],
              row('pause', pause),
              row('refusal to switch', refusal),
            ]),
            '',
            verdictLine(verdict, pauses),
          ],
          json: {
            migration: {
              moves: pauses.length,
              pauseMs: percentiles(pause),
              refusalToSwitchMs: percentiles(refusal),
              verdict: verdict.verdict,
            },
          },
        }
      } finally {
        await braid.stop()
      }
    } finally {
      await Promise.all(clusters.map((cluster) => cluster.stop()))
    }
  },
}

function percentiles({ p50, p95, max }: { p50: number; p95: number; max: number }) {
  return { p50: rounded(p50, 1), p95: rounded(p95, 1), max: rounded(max, 1) }
}
