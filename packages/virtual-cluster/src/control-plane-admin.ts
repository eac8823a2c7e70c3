import { type ControlPlaneClient, ControlPlaneError } from '@braid/control-api'
import { errorCodes } from '@braid/kafka-protocol'
import { type TopicAdmin, TopicAdminError } from './topic-admin.ts'

const DEFAULT_PARTITIONS = 1

/** What a Kafka client hears when the control plane refuses. */
const kafkaErrors: Readonly<Record<string, number>> = {
  BAD_REQUEST: errorCodes.INVALID_REQUEST,
  UNKNOWN_TOPIC: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  TOPIC_EXISTS: errorCodes.TOPIC_ALREADY_EXISTS,
  TOPIC_CONFIG_REFUSED: errorCodes.INVALID_CONFIG,
  TOPIC_COMPACTED: errorCodes.INVALID_CONFIG,
  TOO_FEW_BROKERS: errorCodes.INVALID_REPLICATION_FACTOR,
  NO_ROOM: errorCodes.POLICY_VIOLATION,
  LIMIT_REACHED: errorCodes.POLICY_VIOLATION,
  MIGRATION_IN_PROGRESS: errorCodes.REASSIGNMENT_IN_PROGRESS,
  NO_PLACE: errorCodes.POLICY_VIOLATION,
  QUOTA_EXCEEDED: errorCodes.POLICY_VIOLATION,
  // For now: clients ask again.
  TIMED_OUT: errorCodes.REQUEST_TIMED_OUT,
  UNAVAILABLE: errorCodes.REQUEST_TIMED_OUT,
  NO_LEADER: errorCodes.REQUEST_TIMED_OUT,
  SHUTTING_DOWN: errorCodes.REQUEST_TIMED_OUT,
  CLUSTER_UNREACHABLE: errorCodes.REQUEST_TIMED_OUT,
}

/** Administration by a tenant's clients, asked of the control plane. */
export function controlPlaneAdmin(client: ControlPlaneClient, tenant: string): TopicAdmin {
  return {
    async createTopic({ name, partitions, replicationFactor, configs, validateOnly }) {
      const asked = {
        name,
        partitions: partitions > 0 ? partitions : DEFAULT_PARTITIONS,
        ...(replicationFactor > 0 && { replicationFactor }),
        ...(Object.keys(configs).length > 0 && { configs: { ...configs } }),
      }
      if (validateOnly) {
        throw new TopicAdminError(
          errorCodes.INVALID_REQUEST,
          `topic ${name}: validateOnly is not offered yet; create the topic, or ask the control plane`,
        )
      }
      await refusable(client.topics.create(asked, { tenant }))
      return { partitions: asked.partitions, replicationFactor: asked.replicationFactor ?? -1 }
    },
    async deleteTopic(name) {
      await refusable(client.topics.delete(name, { tenant }))
    },
  }
}

async function refusable<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof ControlPlaneError)) throw error
    throw new TopicAdminError(kafkaErrors[error.code] ?? errorCodes.UNKNOWN_SERVER_ERROR, error.detail)
  }
}
