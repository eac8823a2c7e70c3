// The migration of a group of topics from one cluster to another, the table of the design, a step a function. Up to
// the SWITCH the group is one saga: all of its topics move, or none does. From there each drains for itself.
//
//     CHECK    the target can be reached and has room, the topics can be moved
//     PREPARE  a fresh physical topic there for each                                 undo: delete them
//     SEAL     the brokers refuse every further append; the cuts are read            undo: unseal
//     SWITCH   one transaction: cuts, new loglets, one route version; published in the same tick
//     DRAIN    a sealed loglet is watched for strays until retention has emptied it
//     RETIRE   it leaves the chain, and its physical topic is deleted
import { type MigrationStepName, migrationSteps } from '@braid/control-api'
import { checkGroup } from './check.ts'
import type { GroupContext } from './group.ts'
import { groupErrors } from './group-failure.ts'
import { prepare, unprepare } from './prepare.ts'
import type { Step } from './saga.ts'
import { defineSaga } from './saga-kind.ts'
import { seal, unseal } from './seal.ts'
import { recordTimes, switchOver } from './switch.ts'

const steps: readonly Step<MigrationStepName, GroupContext>[] = [
  { kind: 'action', name: 'CHECK', do: checkGroup },
  { kind: 'action', name: 'PREPARE', do: prepare, undo: unprepare },
  { kind: 'action', name: 'SEAL', do: seal, undo: unseal, endsWithNext: true },
  { kind: 'commit', name: 'SWITCH', commit: switchOver, after: recordTimes },
]

/** Its id is that of the group. */
export const groupSaga = defineSaga<MigrationStepName, GroupContext>({
  name: 'migration',
  steps,
  context: ({ plane, sagas }, group) => ({ plane, sagas, group, sealed: undefined, switchMs: undefined }),
  async turnedBack({ plane, group }, cause, step) {
    const { migrations } = plane.store
    const rows = await migrations.inGroup(group)
    await migrations.setGroupState(group, 'undoing')
    for (const [id, error] of groupErrors(rows, cause, step ?? migrationSteps[0]))
      await migrations.setError(id, error)
  },
  async ended({ plane, group }, outcome) {
    const rows = await plane.store.migrations.inGroup(group)
    if (outcome !== 'done') await plane.store.migrations.setGroupState(group, outcome)
    plane.store.afterCommit(() => {
      for (const { id, topic, from, to, error } of rows) {
        plane.log(
          outcome === 'failed' ? 'warn' : 'info',
          `migration.${outcome === 'done' ? 'switched' : outcome}`,
          {
            migration: id,
            topic,
            from: from.cluster,
            to: to.cluster,
            ...(rows.length > 1 && { group }),
            ...(error && { reason: error.detail }),
          },
        )
      }
    })
  },
})
