import type { Demand } from './demand.ts'
import type { TopicName } from './fleet.ts'

export interface Impossible {
  readonly topic: TopicName
  readonly reason: string
}

/** What was found about one part of one topic. */
export type Mended<C> =
  | { readonly kind: 'right' }
  | { readonly kind: 'change'; readonly change: C }
  | { readonly kind: 'impossible'; readonly impossible: Impossible }

/** Topic by topic; what was impossible is looked at again when later changes may have made room for it. */
export function untilSettled<C>(
  demands: readonly Demand[],
  mend: (demand: Demand) => Mended<C>,
): { changes: C[]; impossible: Impossible[] } {
  const changes: C[] = []
  let pending = demands
  for (;;) {
    const before = changes.length
    const impossible: Impossible[] = []
    pending = pending.filter((demand) => {
      const outcome = mend(demand)
      if (outcome.kind === 'change') changes.push(outcome.change)
      if (outcome.kind === 'impossible') impossible.push(outcome.impossible)
      return outcome.kind === 'impossible'
    })
    if (pending.length === 0 || changes.length === before) return { changes, impossible }
  }
}
