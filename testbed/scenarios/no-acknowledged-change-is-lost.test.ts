import { randomInt } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { askPostgres, type RunningPostgres, startPostgres } from '../components/postgres.ts'
import { type BraidOptions, type RunningBraid, startBraid } from '../components/running.ts'
import { type Choose, chooseBy } from '../faults/choice.ts'
import { judgeChanges, movesAstray, neededByAll } from '../workloads/change-judge.ts'
import { ChangeMaker } from '../workloads/change-maker.ts'
import { physicalTopics } from '../workloads/physical-topics.ts'

// Changes of all kinds are asked for without pause while control planes are killed (SIGKILL) at random moments. What
// was acknowledged is there, once; of what nobody answered, all or nothing. BRAID_SEED repeats the choices of a run,
// though not its timing.

const seed = Number(process.env.BRAID_SEED ?? randomInt(1, 2 ** 31))
const QUIET_MAX_MS = 30_000
const timings = {
  strayChecksMs: [100],
  drainCheckMs: 200,
  retireAfterMs: 300,
  sweepEveryMs: 500,
  leftoverSettleMs: 3_000,
}

let clusters: KafkaCluster[]
let postgres: RunningPostgres
beforeAll(async () => {
  clusters = sharedClusters()
  postgres = await startPostgres()
})
afterAll(() => postgres?.stop())

test(`one control plane on SQLite, started again after each kill, BRAID_SEED=${seed}`, async () => {
  const braid = await start({})
  let copies = 0
  await killAndJudge(braid, {
    name: 'kept-on-sqlite',
    kills: 9,
    kill: async (choose) => {
      await braid.controlPlane.process.kill()
      await sleep(choose.number(0, 300))
      await braid.startControlPlaneAgain()
    },
    leftovers: async () => {
      // The file itself is locked.
      const { file } = await braid.client.backup(`copy-${++copies}.db`)
      using db = new DatabaseSync(file, { readOnly: true })
      return db.prepare('SELECT cluster, topic FROM leftover').all()
    },
  })
})

test(`two control planes on PostgreSQL, one takes over from the other, BRAID_SEED=${seed}`, async () => {
  const store = await postgres.database()
  const braid = await start({ store, controlPlanes: 2 })
  await killAndJudge(braid, {
    name: 'kept-on-postgres',
    kills: 5,
    kill: async () => {
      const leader = await braid.leader()
      await leader.process.kill()
      await braid.leader()
      await braid.startControlPlaneAgain(leader)
    },
    leftovers: () => askPostgres(store, 'SELECT cluster, topic FROM leftover'),
  })
})

async function start(options: BraidOptions): Promise<RunningBraid> {
  const braid = await startBraid(clusters, { ...options, proxies: 0, timings })
  onTestFinished(() => braid.stop())
  return braid
}

interface Killing {
  /** Begins the names of all that is made. */
  readonly name: string
  readonly kills: number
  /** Resolves when it is answered again. */
  readonly kill: (choose: Choose) => Promise<void>
  /** Physical topics that the store lists for deletion, by what is in it. */
  readonly leftovers: () => unknown[] | Promise<unknown[]>
}

async function killAndJudge(braid: RunningBraid, { name, kills, kill, leftovers }: Killing): Promise<void> {
  const names = clusters.map((cluster) => cluster.name)
  const changes = new ChangeMaker({
    urls: braid.controlPlanes.map(({ url }) => url),
    lanes: names.map((home, lane) => ({
      name: `${name}-${lane}`,
      clusters: names,
      home,
      choose: chooseBy(seed + lane),
    })),
  })
  const choose = chooseBy(seed + names.length)
  changes.start()
  onTestFinished(() => changes.stop())
  // Kills come at random moments: it goes on until they took answers with them.
  for (
    let killed = 0;
    killed < kills || (killed < 4 * kills && !atStake(summaryOf(changes), kills));
    killed++
  ) {
    await sleep(choose.number(300, 1_500))
    // While something is being done.
    await changes.sending()
    await sleep(choose.number(0, 60))
    await kill(choose)
  }
  await sleep(1_000)
  await changes.stop()

  const { client } = braid
  await expect.poll(() => movesAstray(client, changes), { timeout: QUIET_MAX_MS }).toEqual([])
  // What is judged is what is in the store.
  await kill(choose)
  expect(await judgeChanges(client, changes)).toEqual([])
  const extra = async () => {
    const [there, needed] = await Promise.all([physicalTopics(clusters, name), neededByAll(client, changes)])
    return { left: without(there, needed), missing: without(needed, there) }
  }
  await expect.poll(extra, { timeout: QUIET_MAX_MS, interval: 500 }).toEqual({ left: [], missing: [] })
  await expect.poll(leftovers, { timeout: QUIET_MAX_MS, interval: 500 }).toEqual([])

  const summary = summaryOf(changes)
  console.info(`${name}: ${JSON.stringify(summary)}`)
  expect(atStake(summary, kills), JSON.stringify(summary)).toBe(true)
}

function summaryOf({ made }: ChangeMaker) {
  return {
    acknowledged: made.filter(({ outcome }) => outcome === 'acknowledged').length,
    unknown: made.filter(({ outcome }) => outcome === 'unknown').length,
    answersLost: made.reduce((sum, { lost }) => sum + lost, 0),
    replayed: made.filter(({ replayed }) => replayed).length,
  }
}

/** Whether kills could have lost something. */
function atStake(
  { acknowledged, answersLost, replayed }: ReturnType<typeof summaryOf>,
  kills: number,
): boolean {
  return acknowledged > 10 * kills && answersLost > 2 * kills && replayed > 0
}

function without(these: ReadonlySet<string>, those: ReadonlySet<string>): string[] {
  return [...these].filter((one) => !those.has(one))
}
