import { errorCodes } from '@braid/kafka-protocol'

/** What the engine asks of the control plane: clients' administration, placed and recorded there. */
export interface TopicAdmin {
  /** @throws TopicAdminError */
  createTopic(topic: {
    readonly name: string
    /** -1: the control plane's default */
    readonly partitions: number
    /** -1: the control plane's default */
    readonly replicationFactor: number
    readonly configs: Readonly<Record<string, string>>
    readonly validateOnly: boolean
  }): Promise<{ readonly partitions: number; readonly replicationFactor: number }>
  /** @throws TopicAdminError */
  deleteTopic(name: string): Promise<void>
}

/** Why an administration call was refused, as a client hears it. */
export class TopicAdminError extends Error {
  /** One of Kafka's error codes. */
  readonly kafkaError: number

  constructor(kafkaError: number, message: string) {
    super(message)
    this.name = 'TopicAdminError'
    this.kafkaError = kafkaError
  }
}

/** The most that a client's own bound is taken for. */
const timeMaxMs = 120_000

/**
 * Refuses what has no answer within the time that the client gave it. It may be done later all the same, as on a
 * broker: whoever asks again hears of it.
 */
export async function withinTime<T>(asked: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const refuse = () =>
      reject(
        new TopicAdminError(
          errorCodes.REQUEST_TIMED_OUT,
          `${what}: the control plane did not answer within ${timeoutMs} ms, it may be done later; ask again`,
        ),
      )
    timer = setTimeout(refuse, Math.min(Math.max(timeoutMs, 0), timeMaxMs))
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}
