export {
  ClusterPulse,
  type PulseConnections,
  type PulseOptions,
  pulseConnectionOptions,
} from './cluster-pulse.ts'
export { ClusterPulses, type ClusterSightings } from './cluster-pulses.ts'
export type { CommitMirror, MirrorOutcome } from './commit-mirror.ts'
export { Engine, type EngineOptions, type ListenerAddress, type Listeners } from './engine.ts'
export type { LeaseRenewal, RenewalOutcome } from './lease-renewal.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { Log } from './log.ts'
export { type RoutedEngine, type RoutedEngineOptions, startRoutedEngine } from './routed-engine.ts'
export type { ByteSink, Session } from './session.ts'
export { type TopicAdmin, TopicAdminError } from './topic-admin.ts'
export { WriteLease } from './write-lease.ts'
