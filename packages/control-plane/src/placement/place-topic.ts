import type { Placement } from '@braid/control-api'
import type { Plane } from '../plane.ts'
import { type ExplainedPlacement, type FleetSnapshot, placeTopic } from '../planner/index.ts'
import { Refusal } from '../refusal.ts'
import { checkCapacity } from '../topics/capacity.ts'
import { classConfigs } from '../topics/class-configs.ts'
import type { Creation } from '../topics/topics.ts'
import { freshFleetSnapshot } from './fleet-snapshot.ts'

/**
 * Where a new topic goes, and why. Asks clusters that were not asked lately. Throws NO_PLACE with what is lacking and
 * what would help; of a cluster that was asked for, what that cluster would say.
 */
export async function placeOf(plane: Plane, tenant: string, creation: Creation): Promise<Placement> {
  const { clusters } = plane
  const home = clusters.home(tenant)
  if (creation.cluster !== null) await clusters.get(creation.cluster)
  const snapshot = await freshFleetSnapshot(plane)
  const placed = placeTopic(snapshot, {
    tenant,
    name: creation.name,
    partitions: creation.partitions,
    sla: creation.sla,
    replicationFactor: creation.replicationFactor,
    expected: creation.expected,
    measured: null,
    cluster: null,
    pinnedTo: creation.cluster,
    standby: null,
    stub: null,
    transactional: false,
    movable: { ok: true },
  })
  const sla = creation.sla === null ? undefined : await plane.store.slas.get(creation.sla)
  const { replicationFactor } = classConfigs(creation, sla)
  const asked = { name: creation.name, partitions: creation.partitions, replicationFactor }
  if (placed.kind === 'refused') {
    const isOnlyChoice = creation.cluster !== null || snapshot.clusters.length === 1
    throw await refusalOf(plane, placed, snapshot, { cluster: creation.cluster ?? home, isOnlyChoice }, asked)
  }
  const { cluster, standby, reasons, considered } = placed
  return {
    cluster,
    standby,
    stub: cluster === home ? null : home,
    reasons: [...reasons],
    considered: considered.map((one) => ({ ...one })),
  }
}

type Asked = { name: string; partitions: number; replicationFactor: number | null }

/** What can be said exactly of the cluster that it would be on is said so: that it is away, full, or too small. */
async function refusalOf(
  plane: Plane,
  { reason, help }: ExplainedPlacement & { kind: 'refused' },
  { clusters }: FleetSnapshot,
  { cluster, isOnlyChoice }: { cluster: string; isOnlyChoice: boolean },
  asked: Asked,
): Promise<Refusal> {
  const facts = await plane.clusters.reach(cluster)
  const { replicationFactor, ...topic } = asked
  const tooFewBrokers = clusters.every(({ brokers }) => brokers < (replicationFactor ?? 0))
  if (isOnlyChoice || tooFewBrokers) {
    checkCapacity(await plane.clusters.get(cluster), facts, {
      ...topic,
      ...(replicationFactor !== null && { replicationFactor }),
    })
  }
  return new Refusal('NO_PLACE', `topic ${asked.name} has no place: ${reason}; ${help}`)
}
