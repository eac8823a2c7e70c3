import type { Lease } from '@braid/control-api'
import { duration } from './duration.ts'
import type { Look } from './print.ts'
import { table } from './table.ts'

export const leasesText = (all: readonly Lease[], look: Look): string =>
  all.length === 0
    ? 'no process holds a lease: nothing is written to topics that fail over\n'
    : table(
        [
          { head: 'LEASE', cell: ({ id }) => id },
          { head: 'OF', cell: leaseTitle },
          { head: 'TENANT', cell: ({ tenant }) => tenant },
          { head: 'ROUTES', cell: ({ routeVersion }) => String(routeVersion), align: 'right' },
          { head: 'SETTLED', cell: ({ settledVersion }) => String(settledVersion), align: 'right' },
          {
            head: 'MIRROR LAG',
            cell: ({ mirrorLagMs }) => (mirrorLagMs === null ? '-' : duration(mirrorLagMs)),
            align: 'right',
          },
          { head: 'SEES DOWN', cell: downText },
          { head: 'ENDS', cell: ({ endsAt }) => endsAt },
        ],
        all,
        look,
      )

/** `proxy proxy-1`. An SDK has no name but its lease's. */
export const leaseTitle = ({ kind, accessPoint }: Pick<Lease, 'kind' | 'accessPoint'>): string =>
  accessPoint === null ? kind : `${kind} ${accessPoint}`

const downText = ({ clusters }: Lease): string =>
  Object.entries(clusters)
    .filter(([, { state }]) => state === 'down')
    .map(([cluster, { forMs }]) => `${cluster} for ${duration(forMs)}`)
    .join(', ') || '-'
