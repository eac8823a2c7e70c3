/** Clients at work, each writing a history. They end in this order: producers stop, groups catch up, groups stop. */
export interface ProducerWorkload {
  readonly sent: number
  readonly acknowledged: number
  /** Sends nothing more and waits, bounded, for all answers. What has none by then is an error in the history. */
  stop(): Promise<void>
}

export interface GroupWorkload {
  readonly received: number
  /** Waits until every member together has read to the topic's end; false if that takes longer. */
  caughtUp(timeoutMs: number): Promise<boolean>
  stop(): Promise<void>
}

export const answerMaxMs = 30_000

/** Waits for a promise, bounded; false if it has not settled in time. */
export async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
