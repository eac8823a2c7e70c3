import { describeGroups, errorCodes, metadata } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { isRefusal, type Right } from '../rights.ts'
import { refused } from './on-controller.ts'

type Operation = Right['operation']

/** Kafka's numbers (AclOperation): an answer has one bit for each operation that is granted. */
const bits: Readonly<Record<Operation, number>> = {
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Alter: 7,
  Describe: 8,
  DescribeConfigs: 10,
  AlterConfigs: 11,
}
/** The broker did not say. */
const UNSAID = -2_147_483_648
const METADATA_CAP = 10

/**
 * Which of `operations` our user lacks on each of these topics, as the brokers' authorizer says; without an authorizer
 * none. Also on topics that are not there yet. Writes nothing.
 */
export async function missingTopicRights(
  cluster: ClusterConnections,
  topics: readonly string[],
  operations: readonly Operation[],
): Promise<Right[]> {
  if (topics.length === 0) return []
  const connection = await cluster.any('slow')
  const answer = await connection.call(
    metadata,
    {
      topics: topics.map((name) => ({ name })),
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
    },
    { version: connection.versionOf(metadata, METADATA_CAP) },
  )
  return answer.topics.flatMap(({ name, errorCode, topicAuthorizedOperations }): Right[] => {
    if (name === null) return []
    // Without Describe a topic is hidden, and nothing more is said of it.
    if (isRefusal(errorCode)) return [{ operation: 'Describe', resource: 'Topic', name }]
    return missing(topicAuthorizedOperations, operations).map((operation) => ({
      operation,
      resource: 'Topic',
      name,
    }))
  })
}

/** The same of groups, whether they are there or not. */
export async function missingGroupRights(
  cluster: ClusterConnections,
  groups: readonly string[],
  operations: readonly Operation[],
): Promise<Right[]> {
  const found: Right[] = []
  for (const name of groups) {
    const coordinator = await cluster.coordinator(name).catch((error: unknown) => {
      if ((error as { code?: string }).code === 'NOT_AUTHORIZED') return undefined
      throw error
    })
    if (coordinator === undefined) {
      found.push({ operation: 'Describe', resource: 'Group', name })
      continue
    }
    const connection = await cluster.shared(coordinator, 'slow')
    const answer = await connection.call(describeGroups, {
      groups: [name],
      includeAuthorizedOperations: true,
    })
    for (const group of answer.groups) {
      if (isRefusal(group.errorCode)) found.push({ operation: 'Describe', resource: 'Group', name })
      else if (group.errorCode !== 0) {
        if (group.errorCode === errorCodes.NOT_COORDINATOR) cluster.invalidateCoordinator(name)
        const needed: Right = { operation: 'Describe', resource: 'Group', name }
        throw refused(
          cluster,
          `describe group ${name}`,
          { errorCode: group.errorCode, errorMessage: null },
          needed,
        )
      } else {
        for (const operation of missing(group.authorizedOperations, operations))
          found.push({ operation, resource: 'Group', name })
      }
    }
  }
  return found
}

function missing(granted: number, operations: readonly Operation[]): Operation[] {
  if (granted === UNSAID) return []
  return operations.filter((operation) => (granted & (1 << bits[operation])) === 0)
}
