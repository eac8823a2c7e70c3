import type { ConfigValue } from '@braid/kafka-connection'

// Known to every version that Braid speaks to, and about the records rather than about the cluster.
// max.message.bytes is not among them: the seal uses it, and the route carries the real limit.
const transferable = [
  'cleanup.policy',
  'compression.type',
  'delete.retention.ms',
  'flush.messages',
  'flush.ms',
  'max.compaction.lag.ms',
  'message.timestamp.type',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'min.insync.replicas',
  'retention.bytes',
  'retention.ms',
  'segment.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
] as const

/**
 * What a topic behaves by and not by Kafka's own defaults, whether it says so itself or its brokers do: on another
 * cluster, with other brokers' settings, it shall behave the same.
 */
export function copiedConfigs(
  configs: ReadonlyMap<string, ConfigValue>,
  maxMessageBytes: number,
): Record<string, string> {
  const copied: Record<string, string> = { 'max.message.bytes': String(maxMessageBytes) }
  for (const name of transferable) {
    const config = configs.get(name)
    if (config !== undefined && config.value !== null && config.source !== 'default')
      copied[name] = config.value
  }
  return copied
}

export function isCompacted(configs: ReadonlyMap<string, ConfigValue>): boolean {
  return (
    configs
      .get('cleanup.policy')
      ?.value?.split(',')
      .some((policy) => policy.trim() === 'compact') ?? false
  )
}

/** What the seal sets, and what no topic that takes records has. */
export const sealedMaxMessageBytes = '1'

export function isSealed(configs: ReadonlyMap<string, ConfigValue>): boolean {
  return configs.get('max.message.bytes')?.value === sealedMaxMessageBytes
}
