import type { Stop } from '../sagas/saga.ts'

/**
 * Does `work` for each, so many at a time. One that fails holds up no other; afterwards it throws what the first of
 * them failed with.
 */
export async function eachOf<T>(
  items: readonly T[],
  atOnceMax: number,
  stop: Stop,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  const left = items.values()
  const worker = async () => {
    for (const item of left) {
      stop.throwIfAborted()
      await work(item).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, worker))
  stop.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}
