// Whether we still lead, where another process may have taken over and we are cut off from whoever would tell.
import type { Store } from '../store/store.ts'
import type { Timings } from '../timings.ts'

interface LeadSureParts {
  readonly store: Pick<Store, 'leader'>
  readonly id: string
  readonly term: number
  readonly timings: Pick<Timings, 'leadCheckMs'>
}

/** Nobody else had begun a term by then: the store said so, in an answer to what was asked at that moment or later. */
export class LeadSure {
  /** Of the monotonic clock, ms. */
  at: number
  private readonly parts: LeadSureParts
  private readonly timer: NodeJS.Timeout
  private looking: Promise<void> | undefined

  /** `since`: before the term was written down. */
  constructor(parts: LeadSureParts, since: number) {
    this.parts = parts
    this.at = since
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => {
        this.looking = undefined
      })
    }, parts.timings.leadCheckMs).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    await this.looking
  }

  /** Never rejects: that the store does not answer is what this is about. */
  private async look(): Promise<void> {
    const { store, id, term } = this.parts
    const askedAt = performance.now()
    const leader = await store.leader().catch(() => undefined)
    if (leader?.id === id && leader.term === term) this.at = askedAt
  }
}
