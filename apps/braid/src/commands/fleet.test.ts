import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import { type Answers, Refusal } from '../testing/fake-control-plane.ts'
import { drained, fleetPlan, goodAnswers } from '../testing/resources.ts'
import { runBraid } from '../testing/run-braid.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'braid-fleet-'))
  file = join(folder, 'fleet.yaml')
  write('version: 1\nslas:\n  - {name: gold, retentionMaxMs: 1d}\n')
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (text: string): void => writeFileSync(file, text)
const nothingToDo = { ...fleetPlan, changes: [], moves: [], unnamed: [] }
const answers: Answers = { ...goodAnswers, 'operations.get': drained }

describe('plan', () => {
  it('is a diff with reasons, risks of their own, and what is left alone', async () => {
    const { io, status, plane } = await runBraid(`plan -f ${file}`, answers)
    expect(plane.received).toMatchObject([
      {
        id: 'fleet.plan',
        body: { prune: false, fleet: { version: 1, slas: [{ name: 'gold', retentionMaxMs: 86_400_000 }] } },
      },
    ])
    expect(io.out).toBe(`\
+ topic shop/clicks
      partitions: 12
      expected.bytesInPerSecond: 2MB/s
      on b, standby on c
        b has the least load of the clusters that fit
        c is in another failure domain
~ SLA class gold
      retentionMaxMs: 7d -> 1d
- topic old

> topic orders: a -> b
      the file pins it to b

Risks:
  SLA class gold: 4 topics keep records for longer than 1d now
  topic old: its records are deleted

Not named in the file, and left alone:
  topic default/audit

Plan: 1 to create, 1 to change, 1 to delete, 1 topic to move. Based on revision 0123456789abcdef.
`)
    expect(status).toBe(exitCodes.ok)
  })

  it('--detailed-exitcode tells changes from none', async () => {
    expect((await runBraid(`plan -f ${file} --detailed-exitcode`, answers)).status).toBe(exitCodes.changes)
    const none = await runBraid(`plan -f ${file} --detailed-exitcode`, { 'fleet.plan': nothingToDo })
    expect(none.status).toBe(exitCodes.ok)
    expect(none.io.out).toBe('No changes: the fleet is as the file says.\n')
  })

  it('that has something in its way says so, and cannot be applied', async () => {
    const blocked = { ...fleetPlan, obstacles: [{ what: 'topic shop/clicks', reason: 'no cluster fits' }] }
    const planned = await runBraid(`plan -f ${file}`, { 'fleet.plan': blocked })
    expect(planned.status).toBe(exitCodes.conflict)
    expect(planned.io.out).toContain('In the way:\n  topic shop/clicks: no cluster fits\n')
    const applied = await runBraid(`apply -f ${file} --yes`, { 'fleet.plan': blocked })
    expect(applied.status).toBe(exitCodes.conflict)
    expect(applied.asked).toEqual(['fleet.plan'])
  })

  it('of a file with typos: line, column and what was meant, and nothing is asked to be done', async () => {
    write('version: 1\ntopics:\n  - name: orders\n    partitons: 12\n    sla: gld\n')
    const { status, io, asked } = await runBraid(`plan -f ${file}`, answers)
    expect(status).toBe(exitCodes.usage)
    expect(io.err).toBe(
      `braid: ${file}:4:5: unknown key "partitons" in topic "orders": did you mean "partitions"?\n` +
        `${file}:5:10: sla of topic "orders": there is no SLA class "gld": did you mean "gold"?\n  nothing was done\n`,
    )
    expect(asked).toEqual(['clusters.list', 'slas.list', 'tenants.list'])
  })

  it('with --prune a file must name all that it refers to', async () => {
    write('version: 1\ntopics: [{name: t, partitions: 1, sla: gold}]\n')
    expect((await runBraid(`plan -f ${file}`, answers)).status).toBe(exitCodes.ok)
    const pruned = await runBraid(`plan -f ${file} --prune`, answers)
    expect(pruned.status).toBe(exitCodes.usage)
    expect(pruned.io.err).toContain('there is no SLA class "gold"')
    expect(pruned.asked).toEqual([])
  })

  it('shows at most 50 problems, says how many more, and needs no control plane for them', async () => {
    write(`version: 1\ntopics:\n${'  - {name: ../x, partitions: 0}\n'.repeat(40)}`)
    const { io } = await runBraid(`plan -f ${file}`, {}, { env: { BRAID_API: '127.0.0.1:9' } })
    expect(io.err.match(/fleet\.yaml:/g)).toHaveLength(50)
    expect(io.err).toMatch(/^and \d+ more$/m)
  })

  it('of a file that is not there', async () => {
    const { status, io } = await runBraid('plan -f /nonexistent/fleet.yaml')
    expect(status).toBe(exitCodes.usage)
    expect(io.err).toContain('cannot read /nonexistent/fleet.yaml')
  })
})

describe('apply', () => {
  it('-f plans, shows, asks, does it for the world of the plan, and follows it', async () => {
    const { status, io, asked, plane } = await runBraid(`apply -f ${file} --prune`, answers, { answer: 'y' })
    expect(asked.slice(0, 2)).toEqual(['fleet.plan', 'fleet.apply'])
    expect(plane.received[1]!.body).toMatchObject({ basedOn: '0123456789abcdef', prune: true })
    expect(io.questions).toEqual([
      'Plan: 1 to create, 1 to change, 1 to delete, 1 topic to move. Apply it? [y/N] ',
    ])
    expect(io.out).toContain('200 of 200 moved')
    expect(status).toBe(exitCodes.ok)
  })

  it.each([
    [undefined, exitCodes.usage],
    ['n', exitCodes.failed],
  ])('answered %j: status %d, and nothing is done', async (answer, wanted) => {
    const { status, asked } = await runBraid(`apply -f ${file}`, answers, { answer })
    expect(status).toBe(wanted)
    expect(asked).toEqual(['fleet.plan'])
  })

  it('of nothing to change asks nobody', async () => {
    const { status, asked } = await runBraid(`apply -f ${file}`, { 'fleet.plan': nothingToDo })
    expect(status).toBe(exitCodes.ok)
    expect(asked).toEqual(['fleet.plan'])
  })

  it('plan.json does exactly that plan, or is refused with a status of its own', async () => {
    const out = join(folder, 'plan.json')
    await runBraid(`plan -f ${file} --prune --out ${out}`, answers)
    // What the file became since is not what was planned.
    write('version: 1\n')
    const { plane, asked } = await runBraid(`apply ${out} --yes`, answers)
    expect(asked[0]).toBe('fleet.apply')
    expect(plane.received[0]!.body).toMatchObject({
      basedOn: '0123456789abcdef',
      prune: true,
      fleet: { slas: [{ name: 'gold', retentionMaxMs: 86_400_000 }] },
    })
    const stale = await runBraid(`apply ${out} --yes`, {
      'fleet.apply': new Refusal('STALE_PLAN', 'the fleet is at revision fedc, the plan is of 0123'),
    })
    expect(stale.status).toBe(exitCodes.stalePlan)
    expect(stale.io.err).toContain('braid plan -f FILE')
  })

  it.each([
    ['{', 'is no plan'],
    ['{"format": "other"}', 'is no plan that this braid knows'],
    ['{"format": "braid plan 1"}', 'its plan is damaged'],
  ])('of a plan that is none, %j: %s', async (text, why) => {
    const out = join(folder, 'plan.json')
    writeFileSync(out, text)
    const { status, io, asked } = await runBraid(`apply ${out} --yes`, answers)
    expect(status).toBe(exitCodes.usage)
    expect(io.err).toContain(why)
    expect(asked).toEqual([])
  })

  it.each(['apply', 'apply plan.json -f fleet.yaml', 'apply plan.json --prune'])(
    '%s is a wrong command line',
    async (line) => {
      expect((await runBraid(line)).status).toBe(exitCodes.usage)
    },
  )
})

describe('export', () => {
  it('is canonical, and applies to nothing', async () => {
    const { io } = await runBraid('export', answers)
    expect(io.out).toBe('version: 1\n\nslas:\n  - name: gold\n    retentionMaxMs: 7d\n')
    writeFileSync(file, io.out)
    const again = await runBraid(`plan -f ${file} --out ${join(folder, 'p')}`, { 'fleet.plan': nothingToDo })
    expect(again.status).toBe(exitCodes.ok)
    expect(JSON.parse(readFileSync(join(folder, 'p'), 'utf8')).fleet.slas[0].retentionMaxMs).toBe(604_800_000)
  })
})
