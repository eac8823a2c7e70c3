// The sagas of the registry on PostgreSQL: the crashes where it matters most what was committed, and one error.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { PostgresConnection } from '../store/postgres.ts'
import { upgradePostgres } from '../store/postgres-schema.ts'
import { SerialDatabase } from '../store/serial-database.ts'
import { assertNothingBetween } from '../testing/nothing-between.ts'
import { startPostgres, type TestPostgres } from '../testing/postgres.ts'
import { faultsOf, nameOf, outcomeOf, runWithFault } from '../testing/saga-faults.ts'
import { sagaScenarios } from '../testing/saga-scenarios.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { sagaKinds } from './saga-kinds.ts'

let server: TestPostgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

async function startWorld(): Promise<SagaWorld> {
  const url = await server.database()
  const connection = await PostgresConnection.open(url, { use: 'write', onLost: () => {} })
  await upgradePostgres(connection)
  const world = await SagaWorld.start({ db: new SerialDatabase(connection) })
  onTestFinished(async () => {
    await world.close()
    await connection.close()
  })
  return world
}

for (const kind of sagaKinds) {
  const all = Object.entries(sagaScenarios[kind.name] ?? {})
  // Two topics where there is a choice: a group, and not more work than that.
  const [title, scenario] = all.find(([name]) => name.startsWith('2')) ?? all[0]!
  const commit = kind.steps.find((step) => step.kind === 'commit')?.name
  const faults = faultsOf(kind).filter(
    ({ phase, how, step }) => phase === 'doing' && (how === 'crash' || step === commit),
  )
  describe(`${kind.name}, ${title}`, () => {
    for (const fault of faults) {
      test(`${nameOf(fault)}: ${outcomeOf(kind, fault)}`, async () => {
        const world = await startWorld()
        expect(await runWithFault(world, kind, fault, scenario)).toBe(outcomeOf(kind, fault))
        await assertNothingBetween(world)
      })
    }
  })
}
