import { describe, expect, it } from 'vitest'
import { fakeIo } from '../testing/fake-io.ts'
import { movedTopic, sealing, sealingSince, switched } from '../testing/resources.ts'
import { chains } from './chains.ts'
import { duration } from './duration.ts'
import { migrationProgress } from './migration-progress.ts'
import { migrationText } from './migration-view.ts'
import { table } from './table.ts'

const at = sealingSince + 20

describe('a table', () => {
  it('pads what it must and leaves no blanks at line ends', () => {
    const columns = [
      { head: 'NAME', cell: (row: { name: string; count: number }) => row.name },
      {
        head: 'COUNT',
        cell: (row: { name: string; count: number }) => String(row.count),
        align: 'right' as const,
      },
      { head: 'NOTE', cell: () => '' },
    ]
    expect(table(columns, [{ name: 'orders', count: 12 }])).toBe(
      ['NAME     COUNT   NOTE', 'orders      12', ''].join('\n'),
    )
  })
})

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [2.64, '2.6 ms'],
    [34.2, '34 ms'],
    [2400, '2.4 s'],
    [192_000, '3 min 12 s'],
    [119_900, '1 min 59 s'],
    [7_500_000, '2 h 5 min'],
    [604_800_000, '7 d'],
    [176_400_000, '2 d 1 h'],
  ])('%d is %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })
})

describe('topic show', () => {
  it('has a column per loglet and a row per partition', () => {
    expect(chains(movedTopic, 'latest')).toBe(`\
topic orders: 2 partitions, active on b
groups commit under orders.k1 on the home cluster
SLA class -, expects 1 reader

LOGLET   CLUSTER   PHYSICAL TOPIC   STATE
     0   a         orders.k1        sealed
     1   b         orders.k2        active

offsets by partition and loglet (>: takes appends)
PARTITION   0: a      1: b
        0   0..1199   1200..1529 >
        1   empty     0 >
`)
  })

  it('says so when the active cluster is away or the topic moves', () => {
    const text = chains({ ...movedTopic, logEnds: null, migration: 'm-7' }, 'latest')
    expect(text).toContain('b does not tell its log ends now: is it up?')
    expect(text).toContain('is being moved: braid migration show m-7')
    expect(text).toContain('1200 >\n')
  })

  it('shows the latest loglets of a long chain, or all', () => {
    const sealed = movedTopic.chain[0]!
    const long = { ...movedTopic, chain: [...Array(9).fill(sealed), movedTopic.chain[1]!] }
    expect(chains(long, 'latest')).toContain('(4 older loglets are not shown: --all)')
    expect(chains(long, 'latest')).not.toContain('3: a')
    expect(chains(long, 'all')).toContain('0: a')
  })

  it('maps ranges that do not start at physical offset 0', () => {
    const [first, second] = movedTopic.chain
    const trimmed = {
      ...movedTopic,
      chain: [
        {
          ...first!,
          partitions: [{ start: '100', end: '150', base: '9000000000000000000' }, first!.partitions[1]!],
        },
        second!,
      ],
    }
    expect(chains(trimmed, 'latest')).toContain('9000000000000000000..9000000000000000049')
  })
})

describe('a migration', () => {
  it('is told by its steps, with what the current one waits for', () => {
    expect(migrationText(sealing, at)).toBe(`\
migration m-7: topic orders from a to b, running
CHECK    done        12 ms
PREPARE  done       184 ms   orders.k2 on b
SEAL     doing       20 ms   waits until the broker refuses every append, then reads the cuts
SWITCH   waiting
DRAIN    waiting
RETIRE   waiting
`)
  })

  it('names the pause once it is known', () => {
    const text = migrationText(switched, at)
    expect(text).toContain('SEAL     done        36 ms   sealed and cut in 34 ms')
    expect(text).toContain('SWITCH   done         3 ms   switched in 2.6 ms, route version 9')
  })

  it('tells what failed, what was undone and which writers strayed', () => {
    const failedSeal = {
      ...sealing.attempts[2]!,
      endedAt: sealing.attempts[2]!.startedAt,
      error: 'b is down',
    }
    const undone = { ...sealing.attempts[1]!, direction: 'undo' as const }
    const text = migrationText(
      {
        ...sealing,
        state: 'failed',
        attempts: [...sealing.attempts.slice(0, 2), failedSeal, undone],
        error: { code: 'SEAL_FAILED', detail: 'b is down; topic orders stays on a' },
        strays: [{ partition: 3, from: '10', to: '12', recovered: '12' }],
      },
      at,
    )
    expect(text).toContain('PREPARE  undone')
    expect(text).toContain('SEAL     failed       0 ms   b is down')
    expect(text).toContain('error: b is down; topic orders stays on a')
    expect(text).toContain('partition 3 of orders.k1 on a grew from 10 to 12')
  })

  it('in progress is a line per change where nobody watches', () => {
    const io = fakeIo()
    const progress = migrationProgress(io.stdout)
    progress.show([sealing])
    progress.show([sealing])
    progress.show([switched])
    progress.close()
    expect(io.out.split('\n').map((line) => line.split(/ {2,}/).slice(0, 2).join(' '))).toEqual([
      'migration m-7: topic orders from a to b',
      'CHECK done',
      'PREPARE done',
      'SEAL doing',
      'SEAL done',
      'SWITCH done',
      'DRAIN doing',
      '',
    ])
  })

  it('in progress is redrawn in place on a terminal', () => {
    const io = fakeIo({ isTTY: true })
    const progress = migrationProgress(io.stdout)
    progress.show([sealing])
    progress.show([switched])
    progress.close()
    // Title, three steps and the pause were drawn, so the cursor goes up five lines before the next drawing.
    expect(io.out).toContain('\x1b[5A\rmigration m-7')
    expect(io.out).toContain('clients that write have waited')
    expect(io.out.trimEnd().split('\n').at(-2)).toContain('DRAIN')
  })
})
