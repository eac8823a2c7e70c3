// How the control plane sees every cluster at this moment, by what it has heard from everyone.
import { type ClusterVote, defaultFailoverSettings } from '@braid/control-api'
import type { Timings } from '../timings.ts'
import { type Judgement, judge } from './judgement.ts'
import { shownVotes, Votes } from './votes.ts'

export class ClusterSight {
  readonly votes = new Votes()
  /** Of the settings. */
  downForMs = defaultFailoverSettings.downForMs
  private readonly timings: Pick<Timings, 'refusesWritesMs'>

  constructor(timings: Pick<Timings, 'refusesWritesMs'>) {
    this.timings = timings
  }

  judge(cluster: string): Judgement {
    const at = performance.now()
    const { refusesWritesMs } = this.timings
    return judge(this.votes.on(cluster, at), { at, downForMs: this.downForMs, refusesWritesMs })
  }

  /** Whether we reach it ourselves, or clients do. */
  answers(cluster: string): boolean {
    return this.votes
      .on(cluster, performance.now())
      .some(({ state, vantage }) => state === 'up' && vantage !== 'monitor')
  }

  shown(cluster: string): ClusterVote[] {
    const at = performance.now()
    return shownVotes(this.votes.on(cluster, at), at)
  }
}
