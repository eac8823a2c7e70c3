import { clusterRefusal } from '../clusters/clusters.ts'
import type { Member } from './group.ts'
import { GroupFailure, type TopicFailure } from './group-failure.ts'
import type { Stop } from './saga.ts'

/** Clusters are asked about so many topics at a time. */
const atOnceMax = 8

/**
 * Does `work` for each, a bounded number at a time. Throws a GroupFailure that names every topic for which it failed;
 * `what` says what it was.
 */
export async function eachMember<M extends Pick<Member, 'row'>>(
  members: readonly M[],
  stop: Stop,
  what: (member: M) => string,
  work: (member: M) => Promise<void>,
): Promise<void> {
  const failures: TopicFailure[] = []
  const left = members.entries()
  const failed = new Map<number, TopicFailure>()
  const worker = async () => {
    for (const [i, member] of left) {
      stop.throwIfAborted()
      const { id, topic } = member.row
      try {
        await work(member)
      } catch (error) {
        failed.set(i, { migration: id, topic, refusal: clusterRefusal(error, what(member)) })
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnceMax, members.length) }, worker))
  stop.throwIfAborted()
  for (const i of [...failed.keys()].sort((a, b) => a - b)) failures.push(failed.get(i)!)
  const [first, ...more] = failures
  if (first !== undefined) throw new GroupFailure([first, ...more])
}
