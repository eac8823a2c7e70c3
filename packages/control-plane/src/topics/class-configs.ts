import { Refusal } from '../refusal.ts'
import type { SlaRow } from '../store/sla-queries.ts'

/** What a physical topic is made with: what was asked for, and where that is silent, what its class says. */
export function classConfigs(
  asked: { name: string; replicationFactor: number | null; configs: Readonly<Record<string, string>> },
  sla: SlaRow | undefined,
): { replicationFactor: number | null; configs: Readonly<Record<string, string>> } {
  const { replicationFactor, configs } = asked
  if (sla === undefined) return { replicationFactor, configs }
  const { durability, retentionMaxMs } = sla
  const replicas = replicationFactor ?? durability.replicationFactor
  if (replicas < durability.replicationFactor) {
    throw new Refusal(
      'TOPIC_CONFIG_REFUSED',
      `topic ${asked.name}: replication factor ${replicas} is less than the ${durability.replicationFactor} of class ${sla.name}`,
    )
  }
  const made: Record<string, string> = {
    'min.insync.replicas': String(durability.minInSyncReplicas),
    ...configs,
  }
  if (Number(made['min.insync.replicas']) < durability.minInSyncReplicas) {
    throw new Refusal(
      'TOPIC_CONFIG_REFUSED',
      `topic ${asked.name}: min.insync.replicas=${made['min.insync.replicas']} is less than the ${durability.minInSyncReplicas} of class ${sla.name}`,
    )
  }
  const retentionMs = Number(made['retention.ms'] ?? 0)
  if (retentionMaxMs !== null && (retentionMs < 0 || retentionMs > retentionMaxMs)) {
    throw new Refusal(
      'TOPIC_CONFIG_REFUSED',
      `topic ${asked.name}: retention.ms=${made['retention.ms']} is longer than the ${retentionMaxMs} that class ${sla.name} allows`,
    )
  }
  return { replicationFactor: replicas, configs: made }
}
