import { errorCodes, errorName } from '@braid/kafka-protocol'
import { ConnectionError } from './errors.ts'

/** A right of Kafka's authorizer, in the words of `kafka-acls`: an operation on a resource. */
export interface Right {
  readonly operation:
    | 'Create'
    | 'Delete'
    | 'Alter'
    | 'Describe'
    | 'DescribeConfigs'
    | 'AlterConfigs'
    | 'Read'
    | 'Write'
  readonly resource: 'Topic' | 'Group' | 'Cluster'
  /** of the topic or group; Kafka calls every cluster kafka-cluster */
  readonly name: string
}

const refusals: ReadonlySet<number> = new Set([
  errorCodes.TOPIC_AUTHORIZATION_FAILED,
  errorCodes.GROUP_AUTHORIZATION_FAILED,
  errorCodes.CLUSTER_AUTHORIZATION_FAILED,
])

export function isRefusal(errorCode: number): boolean {
  return refusals.has(errorCode)
}

export function topicRight(operation: Right['operation'], name: string): Right {
  return { operation, resource: 'Topic', name }
}

/** `Write on Topic orders` */
export function describeRight({ operation, resource, name }: Right): string {
  return `${operation} on ${resource} ${name}`
}

/**
 * A broker's error as ours: NOT_AUTHORIZED when its ACLs do not let us, else BROKER_ERROR. `what` reads like "kafka-a
 * refused to create topic orders", `needed` is the right that this takes.
 */
export function brokerError(
  cluster: string,
  what: string,
  errorCode: number,
  needed: Right,
  errorMessage: string | null = null,
): ConnectionError {
  const name = errorName(errorCode)
  const why = errorMessage === null ? '' : `: ${errorMessage}`
  if (!isRefusal(errorCode)) {
    return new ConnectionError('BROKER_ERROR', `${what}, ${name}${why}`, { cluster, kafkaError: errorCode })
  }
  const todo = `our user lacks ${describeRight(needed)}, grant it with kafka-acls`
  return new ConnectionError('NOT_AUTHORIZED', `${what}, ${name}${why}: ${todo}`, {
    cluster,
    kafkaError: errorCode,
    missing: needed,
  })
}
