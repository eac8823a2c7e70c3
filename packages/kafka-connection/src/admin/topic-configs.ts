import type { ClusterConnections } from '../cluster-connections.ts'

export type ConfigSource = 'topic' | 'broker' | 'cluster' | 'static' | 'default' | 'other'
export interface ConfigValue {
  readonly value: string | null
  /** where the effective value comes from; 'topic' is an override of the topic's own */
  readonly source: ConfigSource
}
export function describeTopicConfigs(
  _cluster: ClusterConnections,
  _topic: string,
): Promise<ReadonlyMap<string, ConfigValue>> {
  throw new Error('not written yet')
}
/** null deletes the override. */
export function alterTopicConfigs(
  _cluster: ClusterConnections,
  _topic: string,
  _configs: Readonly<Record<string, string | null>>,
): Promise<void> {
  throw new Error('not written yet')
}
