// Which of the moves that wait begin next, and which of them move as one.
import type { MoveRow } from '../store/operation-queries.ts'

export interface MoveGroup {
  readonly tenant: string
  readonly from: string
  readonly to: string
  readonly moves: readonly MoveRow[]
}

export interface GroupLimits {
  /** Topics that may begin to move now. */
  readonly topicsMax: number
  /** Of one group: its clients wait for as long as all its partitions take to be sealed. */
  readonly partitionsMax: number
}

/**
 * In the order of the plan. Topics that go from the same cluster to the same cluster move as one: one request seals
 * them, one route version switches them. One whose group failed goes alone, so that what is wrong with it holds up
 * nothing else. A topic that has more partitions than a group may have is a group of its own.
 */
export function nextGroups(
  waiting: readonly MoveRow[],
  partitionsOf: (move: MoveRow) => number,
  { topicsMax, partitionsMax }: GroupLimits,
): MoveGroup[] {
  const groups: { tenant: string; from: string; to: string; moves: MoveRow[]; partitions: number }[] = []
  const open = new Map<string, (typeof groups)[number]>()
  for (const move of waiting.slice(0, topicsMax)) {
    const { tenant, from, to, alone } = move
    const partitions = partitionsOf(move)
    const key = JSON.stringify([tenant, from, to])
    const known = alone ? undefined : open.get(key)
    if (known !== undefined && known.partitions + partitions <= partitionsMax) {
      known.moves.push(move)
      known.partitions += partitions
      continue
    }
    const group = { tenant, from, to, moves: [move], partitions }
    groups.push(group)
    if (!alone) open.set(key, group)
  }
  return groups.map(({ partitions: _, ...group }) => group)
}
