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
