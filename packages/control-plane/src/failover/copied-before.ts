import type { HolesJson } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import type { FailoverTopicRow } from '../store/failover-queries.ts'
import { mergedHoles } from './lost-loglets.ts'

/** Physical offsets [from, to) of one partition. */
export interface Copied {
  readonly from: bigint
  readonly to: bigint
}

/**
 * What of a loglet was copied on already, by partition: it had returned before, and was lost again; or strays were
 * found behind its cut. None of that is copied a second time.
 */
export async function copiedBefore(
  { store }: Pick<Plane, 'store'>,
  { topicId, from }: Pick<FailoverTopicRow, 'topicId' | 'from'>,
): Promise<ReadonlyMap<number, Copied>> {
  const record = await store.migrations.drainOf(topicId, from)
  if (record === undefined) return new Map()
  const strays = await store.migrations.strays(record.id)
  return new Map(strays.map(({ partition, from, recovered }) => [partition, { from, to: recovered }]))
}

/** Where it is cut before what was copied on, that is left out of what is copied on now. */
export function holesWithCopied(
  holes: HolesJson,
  cuts: readonly bigint[],
  copied: ReadonlyMap<number, Copied>,
): HolesJson {
  let all = holes
  for (const [partition, { from, to }] of copied) {
    const cut = cuts[partition]
    if (cut === undefined || cut >= from || to <= from) continue
    all = mergedHoles(all, { [partition]: [String(from), String(to)] })
  }
  return all
}
