export { ACCESS_POINT_NUMBER_MAX, type AccessPointRoute, nodeId } from './access-point.ts'
export { type Address, formatAddress, parseAddress, withoutBrackets } from './address.ts'
export {
  appendLoglet,
  checkChain,
  DEPTH_MAX,
  locateLoglet,
  OFFSET_MAX,
  retireFirst,
  startChain,
} from './chain.ts'
export {
  CLUSTER_NUMBER_MAX,
  type ClusterRoute,
  type ClusterSecurity,
  type SaslMechanism,
  type SaslSecurity,
  type SecretRef,
  type SecurityProtocol,
  sameConnection,
  type TlsSecurity,
} from './cluster.ts'
export { diffRoutes, type RouteDelta, type TopicName } from './delta.ts'
export {
  HOLES_MAX_PER_PARTITION,
  type Holes,
  type HolesJson,
  holesFromJson,
  holesToJson,
  holesWithin,
  pastHole,
} from './holes.ts'
export { describeLoglet, type Loglet, type LogletAway, logicalEnd, toLogical, toPhysical } from './loglet.ts'
export type { LogletColumnsJson, PhysicalTopic } from './loglet-columns.ts'
export type { OffsetColumnJson } from './offset-column.ts'
export { type RouteSnapshot, RouteTable } from './route-table.ts'
export { RoutingError, type RoutingErrorCode } from './routing-error.ts'
export { snapshotSlices } from './snapshot-slices.ts'
export type { TenantRoute } from './tenant.ts'
export { deltaFor, snapshotFor } from './tenant-view.ts'
export { type FailoverPolicy, PARTITIONS_MAX, TopicRoute, type TopicRouteJson } from './topic-route.ts'
