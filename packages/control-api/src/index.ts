export {
  ControlPlaneClient,
  type ControlPlaneClientOptions,
  type MigrationWaitOptions,
} from './client.ts'
export type { ControlPlaneUrls } from './control-plane-urls.ts'
export {
  ControlPlaneError,
  type ControlPlaneErrorCode,
  type Problem,
  type ProblemCode,
  problem,
  problemCodes,
  problemOf,
} from './problems.ts'
export {
  type AccessPoint,
  type AccessPointLease,
  type AccessPointRenewal,
  accessPoint,
  accessPointLease,
  accessPointLeaseMs,
  accessPointList,
  accessPointRenewal,
} from './resources/access-point.ts'
export {
  type Cluster,
  type ClusterRegistration,
  cluster,
  clusterList,
  clusterRegistration,
} from './resources/cluster.ts'
export {
  type ClusterSecurityInput,
  clusterSecurity,
  secretRef,
} from './resources/cluster-security.ts'
export {
  type Migration,
  type MigrationStart,
  type MigrationState,
  type MigrationStepName,
  migration,
  migrationList,
  migrationStart,
  migrationState,
  migrationSteps,
  migrationWait,
  type StepAttempt,
  type Strays,
  stepAttempt,
  strays,
} from './resources/migration.ts'
export { accessPointId, clusterName, hostPort, topicName } from './resources/names.ts'
export { defaultTenant, type Tenant, tenant, tenantList } from './resources/tenant.ts'
export {
  type Topic,
  type TopicAdoption,
  type TopicCreation,
  type TopicLoglet,
  type TopicSummary,
  topic,
  topicAdoption,
  topicCreation,
  topicList,
  topicLoglet,
  topicSummary,
} from './resources/topic.ts'
export { RouteFeed, type RouteFeedLimits, type RouteFeedOptions, type RouteFeedState } from './route-feed.ts'
