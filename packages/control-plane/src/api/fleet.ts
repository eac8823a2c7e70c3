import type { FleetPlan } from '@braid/control-api'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

/** The fleet as a document. */
export function fleetEndpoints({ fleets }: Pick<Served, 'fleets'>) {
  return {
    'fleet.export': () => fleets.export(),
    'fleet.plan': ({ body: { fleet, prune } }) => fleets.plan(fleet, { prune }),
    'fleet.apply': ({ body: { fleet, prune, basedOn }, caller, record }) =>
      fleets.apply(fleet, { basedOn, prune, by: caller.principal }, (applied) =>
        record(
          {
            tenant: null,
            what: 'fleet',
            after: {
              operation: applied.operation.id,
              changes: summaryOf(applied.plan),
            },
          },
          applied,
        ),
      ),
  } satisfies Handlers
}

/** The audit trail is kept for ever: what a file of thousands of topics changes stands in the operation. */
const namedMax = 100

function summaryOf({ changes }: FleetPlan): string[] {
  const named = changes.slice(0, namedMax).map(({ action, kind, name }) => `${action} ${kind} ${name}`)
  return changes.length > namedMax ? [...named, `and ${changes.length - namedMax} more`] : named
}
