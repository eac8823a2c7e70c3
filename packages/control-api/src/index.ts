export {
  ControlPlaneClient,
  type ControlPlaneClientOptions,
  type DryRun,
  type InTenant,
  type Latest,
  type TopicMade,
} from './client.ts'
export type { ControlPlaneUrls } from './control-plane-urls.ts'
export type { Access, Endpoint } from './endpoint.ts'
export { type EndpointId, endpoints } from './endpoints.ts'
export { parseCheckedYaml } from './fleet-file/checked-yaml.ts'
export { canonicalFleet, formatFleet } from './fleet-file/format.ts'
export { nearest } from './fleet-file/nearest.ts'
export { type ParsedFleetFile, type ParseOptions, parseFleetFile } from './fleet-file/parse.ts'
export {
  formatBytesPerSecond,
  formatDurationMs,
  parseBytesPerSecond,
  parseDurationMs,
  type Quantity,
} from './fleet-file/quantities.ts'
export type { KnownNames, ReferenceKind } from './fleet-file/references.ts'
export type { TextProblem } from './fleet-file/yaml-text.ts'
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
  type Distribution,
  type Gauge,
  type Histogram,
  type Labels,
  prometheusContentType,
  prometheusText,
} from './prometheus-text.ts'
export {
  type AccessPoint,
  type AccessPointLease,
  type AccessPointRenewal,
  accessPointLeaseMs,
} from './resources/access-point.ts'
export type { AuditEntry, AuditQuery } from './resources/audit.ts'
export {
  type Cluster,
  type ClusterRegistration,
  type ClusterState,
  type ClusterTier,
  type ClusterUpdate,
  clusterRegistration,
  clusterUpdate,
} from './resources/cluster.ts'
export {
  type ClusterSecurityInput,
  clusterSecurity,
  secretRef,
} from './resources/cluster-security.ts'
export type { Diagnosis, Finding } from './resources/doctor.ts'
export {
  type Abandoned,
  type ClusterHealth,
  type ClusterVote,
  clusterVote,
  defaultFailoverSettings,
  type Failover,
  type FailoverHome,
  type FailoverKind,
  type FailoverPlan,
  type FailoverSettings,
  type FailoverStart,
  type FailoverStarted,
  type FailoverStatus,
  type FailoverTopic,
  failoverSteps,
  type ReturnStart,
} from './resources/failover.ts'
export {
  type MonitorEvent,
  type MonitorEventSeen,
  type MonitorReport,
  monitorEventKinds,
} from './resources/finding-event.ts'
export {
  type Fleet,
  type FleetApplied,
  type FleetInput,
  type FleetPlan,
  fleet,
  type PlannedChange,
} from './resources/fleet.ts'
export {
  type ClusterSighting,
  type Lease,
  type LeaseGranted,
  type LeaseRenewal,
  writeLeaseMs,
} from './resources/lease.ts'
export {
  type Migration,
  type MigrationStart,
  type MigrationState,
  type MigrationStepName,
  migrationSteps,
  migrationTopicsMax,
  type StepAttempt,
  type Strays,
} from './resources/migration.ts'
export {
  accessPointId,
  clusterName,
  hostPort,
  labels,
  principalName,
  recordId,
  shortText,
  slaName,
  tenantName,
  topicName,
} from './resources/names.ts'
export type {
  DrainStart,
  MovePlan,
  Operation,
  OperationKind,
  OperationMove,
  OperationStarted,
  OperationState,
  PlannedMove,
  RebalanceStart,
} from './resources/operation.ts'
export type {
  RequestDecision,
  RequestState,
  TopicRequest,
  TopicRequestCreation,
} from './resources/request.ts'
export { type Sla, type SlaSpec, slaSpec } from './resources/sla.ts'
export {
  defaultTenant,
  type Tenant,
  type TenantSpec,
  tenantPolicy,
  tenantQuotas,
  tenantSpec,
} from './resources/tenant.ts'
export {
  type Role,
  role,
  type Token,
  type TokenCreated,
  type TokenCreation,
  type Whoami,
} from './resources/token.ts'
export {
  type Placement,
  type Topic,
  type TopicAdoption,
  type TopicCreated,
  type TopicCreation,
  type TopicLoglet,
  type TopicSpec,
  type TopicSummary,
  type TopicUpdate,
  topicAdoption,
  topicSpec,
} from './resources/topic.ts'
export { RouteFeed, type RouteFeedLimits, type RouteFeedOptions, type RouteFeedState } from './route-feed.ts'
export type { MigrationWaitOptions, OperationWaitOptions } from './waits.ts'
