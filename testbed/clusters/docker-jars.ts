import type { KafkaVersion } from './cluster.ts'
import { ClusterError } from './errors.ts'

export async function copyJarsFromImage(version: KafkaVersion, _folder: string): Promise<void> {
  throw new ClusterError('NO_MAVEN', `no Maven to fetch the jars of Kafka ${version} with: install maven`)
}
