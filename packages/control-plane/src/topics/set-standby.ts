import type { Plane } from '../plane.ts'

/** Where it stands by from now on; null for nowhere. Its topic there is made, or dropped, at once. */
export async function setStandby(
  { store, dueTopics }: Pick<Plane, 'store' | 'dueTopics'>,
  topicId: string,
  standby: string | null,
): Promise<void> {
  await store.topicSpecs.setStandby(topicId, standby)
  store.afterCommit(() => dueTopics.add(topicId))
}
