export { allow, kafkaJsSecurity, type SecuredBy, securityOf } from './clusters/access.ts'
export {
  attachCluster,
  type Broker,
  type ClusterDescription,
  type ClusterProvider,
  type ClusterSpec,
  chooseProvider,
  DEFAULT_KAFKA_VERSION,
  type KafkaCluster,
  type KafkaVersion,
  startClusters,
} from './clusters/cluster.ts'
export { ClusterError, type ClusterErrorCode } from './clusters/errors.ts'
export { kafkaClientsJar, kafkaJars, kafkaJavaClasspath } from './clusters/kafka-jars.ts'
export { type Direction, Link } from './faults/link.ts'
export { type ProcessSpec, TestProcess } from './faults/process.ts'
