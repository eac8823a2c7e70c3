import type { Placement } from '@braid/control-api'
import type { Plane } from '../plane.ts'
import type { Creation } from '../topics/topics.ts'

/** Where a new topic goes, and why. */
export async function placeOf(
  plane: Plane,
  tenant: string,
  creation: Creation,
  _replicationFactor?: number | null,
): Promise<Placement> {
  const home = plane.clusters.home(tenant)
  const { name } = await plane.clusters.get(creation.cluster ?? home)
  const reason = creation.cluster === null ? `the home of tenant ${tenant}` : 'it was asked for'
  return {
    cluster: name,
    standby: null,
    stub: name === home ? null : home,
    reasons: [`${name} is ${reason}`],
    considered: [{ cluster: name, verdict: 'chosen', reason }],
  }
}
