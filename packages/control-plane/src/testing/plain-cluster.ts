import type { ClusterRow } from '../store/rows.ts'

/** Of a cluster of which nothing special was said. */
export const plainCluster = {
  partitionsMax: null,
  bytesInMax: null,
  bytesOutMax: null,
  tier: 'shared',
  dedicatedTo: null,
  labels: {},
  state: 'active',
  fenced: false,
  security: null,
} as const satisfies Partial<ClusterRow>
