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
              changes: applied.plan.changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`),
            },
          },
          applied,
        ),
      ),
  } satisfies Handlers
}
