/**
 * # The planner
 *
 * Decides where topics should be, and does nothing about it. A plan is a pure function of a snapshot: it can be
 * shown before it is run, compared with the one before, and tested without a cluster.
 *
 * ## The story of a plan
 * 1. A **snapshot** (`fleet.ts`) says what there is: clusters, classes, tenants, topics, replicas.
 * 2. Each topic becomes a **demand** (`demand.ts`): its class and tenant looked up, its traffic the larger of
 *    expected and measured, `bytesOut = (readers + replicationFactor - 1) x bytesIn`.
 * 3. The **ledger** (`ledger.ts`) puts every demand on its **sites** (`site.ts`) and keeps their sums: what is
 *    live, and what is reserved for the worst failure of one failure domain. Topics are taken out and put
 *    elsewhere while a plan grows, so everything later in the plan sees what came before.
 * 4. **Hard rules** (`rules/`) say where a topic may be: `rules/suitability.ts` about what a cluster is,
 *    `rules/room.ts` about what it has left. No plan breaks one; `brokenRules` finds where the fleet does.
 * 5. **Soft rules** (`choose.ts`) say where it should be: even load first, within 10 points of it the tenant's
 *    home and its other topics, then the name.
 * 6. What cannot be is **refused** (`refuse.ts`), with what is lacking, the nearest to it, and what would help.
 *
 * ## The plans
 * | function | answers |
 * | --- | --- |
 * | `placeTopic` | where one topic goes, and what was thought of every cluster |
 * | `planTopics`, `planFleetPlacement` | where many go, the largest first; nothing that is placed moves |
 * | `planDrain` | what empties a cluster, and what stays and why |
 * | `planRebalance` | few moves that even out load, none within the threshold |
 * | `planStandbys`, `planStubs` | what is missing or wrong |
 * | `proposeReadReplicas` | which readers should read elsewhere, and the flows that feed it |
 * | `brokenRules` | what is wrong with the fleet as it is |
 *
 * `apply.ts` gives the snapshot after a plan, `render.ts` the plan as text; `expected/` has one for each kind.
 *
 * ## What holds for all of them
 * - The same snapshot gives the same plan, in whatever order its parts are listed: sums are of whole numbers,
 *   ties go to the first name.
 * - A new cluster changes nothing by itself. It is used by what is placed next, and by a rebalance.
 * - The cost is topics x clusters: 10,000 topics over 150 clusters well below a second.
 */
export {
  withDrain,
  withMoves,
  withPlacements,
  withReplicas,
  withStandbys,
  withStubs,
} from './apply.ts'
export { type BigFleetSize, bigFleet } from './big-fleet.ts'
export { type BrokenRule, brokenRules } from './broken-rules.ts'
export { TOGETHER_SHARE } from './choose.ts'
export { type DrainPlan, type Obstacle, planDrain } from './drain.ts'
export {
  type ClusterCapacity,
  type ClusterState,
  type ClusterTier,
  FAILURE_DOMAIN_LABEL,
  type FleetSnapshot,
  type PlannedCluster,
  type PlannedReplica,
  type PlannedTenant,
  type PlannedTopic,
  type SlaClass,
  type TopicName,
  type TopicTraffic,
  topicKey,
} from './fleet.ts'
export type { Impossible } from './mend.ts'
export type { Move } from './move.ts'
export {
  type Consideration,
  type ExplainedPlacement,
  type Placement,
  placeTopic,
  planFleetPlacement,
  planTopics,
} from './placement.ts'
export { type ProposedFlow, proposeReadReplicas, type ReplicaProposals } from './read-replicas.ts'
export {
  type Pool,
  planRebalance,
  type RebalanceOptions,
  type RebalancePlan,
  rebalanceDefaults,
  type Spread,
} from './rebalance.ts'
export {
  renderBrokenRules,
  renderDrain,
  renderPlacement,
  renderPlacements,
  renderRebalance,
  renderReplicas,
  renderStandbys,
  renderStubs,
} from './render.ts'
export { hardRules } from './rules/hard-rules.ts'
export type { HardRule, Role } from './rules/rule.ts'
export { planStandbys, type StandbyChange, type StandbyPlan } from './standbys.ts'
export { planStubs, type StubChange, type StubPlan } from './stubs.ts'
