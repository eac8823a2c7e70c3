import { describe, expect, test } from 'vitest'
import {
  Cancelled,
  type Direction,
  type Journal,
  runSaga,
  type SagaHook,
  type SagaOptions,
  type Step,
  Stopped,
} from './saga.ts'
import { SagaControl } from './saga-control.ts'

type Name = 'BUY' | 'BUILD' | 'OPEN' | 'CLEAN' | 'REST'

/** The outside world: what steps do to it stays when the process dies. */
class World {
  bought = false
  built = false
  open = false
  cleaned = 0
  rested = 0
  readonly done: string[] = []
}

/** A journal whose content outlives the saga, as a store does. */
class Book implements Journal<Name> {
  readonly lines: string[] = []
  towards: Direction = 'do'
  cancelAsked = false
  finished: Direction | undefined
  cause: unknown

  has = (line: string) => this.lines.includes(line)
  direction = async () => this.towards
  cancelRequested = async () => this.cancelAsked
  pauseAsked = false
  pauseRequested = async () => this.pauseAsked
  now = () => 0
  begun = (step: Name) => this.has(`begin do ${step}`)
  ended = (step: Name, direction: Direction) => this.has(`end ${direction} ${step}`)
  begin = async (step: Name, direction: Direction) => void this.lines.push(`begin ${direction} ${step}`)
  end = async (step: Name, direction: Direction) => void this.lines.push(`end ${direction} ${step}`)
  record = async (step: Name) => void this.lines.push(`begin do ${step}`, `end do ${step}`)
  fail = async (step: Name, direction: Direction, error: unknown) =>
    void this.lines.push(`fail ${direction} ${step}: ${(error as Error).message}`)

  async transaction(work: () => Promise<void>): Promise<void> {
    const lines = [...this.lines]
    const { open } = this.world
    try {
      await work()
    } catch (error) {
      this.lines.splice(0, this.lines.length, ...lines)
      this.world.open = open
      throw error
    }
  }
  async turnBack(cause: unknown): Promise<void> {
    this.towards = 'undo'
    this.cause = cause
  }
  async finish(direction: Direction): Promise<void> {
    this.finished = direction
  }
  private readonly world: World
  constructor(world: World) {
    this.world = world
  }
}

const steps: readonly Step<Name, World>[] = [
  {
    kind: 'action',
    name: 'BUY',
    do: async (world) => {
      world.done.push('buy')
      world.bought = true
    },
    undo: async (world) => {
      world.done.push('sell')
      world.bought = false
    },
  },
  {
    kind: 'action',
    name: 'BUILD',
    endsWithNext: true,
    do: async (world) => {
      world.done.push('build')
      world.built = true
    },
    undo: async (world) => {
      world.done.push('tear down')
      world.built = false
    },
  },
  {
    kind: 'commit',
    name: 'OPEN',
    commit: async (world) => {
      world.open = true
    },
  },
  {
    kind: 'action',
    name: 'CLEAN',
    do: async (world) => {
      world.cleaned++
    },
  },
  {
    kind: 'action',
    name: 'REST',
    do: async (world) => {
      world.rested++
    },
  },
]

function run(world: World, book: Book, options: Partial<SagaOptions> = {}, saga = steps) {
  return runSaga(saga, book, world, {
    closing: new AbortController().signal,
    control: new SagaControl(),
    sleep: async () => {},
    retryBaseMs: 1,
    retryMaxMs: 1,
    ...options,
  })
}

const doneWorld = { bought: true, built: true, open: true }
const undoneWorld = { bought: false, built: false, open: false }
const stateOf = ({ bought, built, open }: World) => ({ bought, built, open })
const phases = ['before', 'doing', 'after'] as const
const crashAt =
  (step: string, phase: string): SagaHook =>
  (s, p) => {
    if (s === step && p === phase) throw new Error('the process dies')
  }

/** The saga with one step that fails, always or the first times. */
function failing(name: Name, times = Number.POSITIVE_INFINITY): readonly Step<Name, World>[] {
  let failures = 0
  const maybe = async () => {
    if (failures++ < times) throw new Error(`${name} does not work`)
  }
  return steps.map((step): Step<Name, World> => {
    if (step.name !== name) return step
    if (step.kind === 'commit') return { ...step, commit: maybe }
    return {
      ...step,
      do: async (world, stop, nap) => {
        await maybe()
        await step.do(world, stop, nap)
      },
    }
  })
}

test('runs to its end, with the commit and the end of the step before it in one transaction', async () => {
  const [world] = [new World()]
  const book = new Book(world)
  expect(await run(world, book)).toBe('do')
  expect(stateOf(world)).toEqual(doneWorld)
  expect(book.finished).toBe('do')
  expect(book.lines).toEqual([
    'begin do BUY',
    'end do BUY',
    'begin do BUILD',
    'end do BUILD',
    'begin do OPEN',
    'end do OPEN',
    'begin do CLEAN',
    'end do CLEAN',
    'begin do REST',
    'end do REST',
  ])
})

describe('a crash at any point', () => {
  for (const { name } of steps) {
    for (const phase of phases) {
      test(`${phase} ${name}: the next run goes on to the end`, async () => {
        const world = new World()
        const book = new Book(world)
        await expect(run(world, book, { hook: crashAt(name, phase) })).rejects.toThrow(Stopped)
        expect(book.finished).toBeUndefined()
        expect(world.done).not.toContain('sell')
        expect(world.open).toBe(book.has('end do OPEN'))
        expect(await run(world, book)).toBe('do')
        expect(stateOf(world)).toEqual(doneWorld)
        expect([world.cleaned > 0, world.rested > 0]).toEqual([true, true])
      })
    }
  }

  for (const name of ['BUY', 'BUILD'] as const) {
    for (const phase of phases) {
      test(`${phase} the undo of ${name}: the next run undoes the rest`, async () => {
        const world = new World()
        const book = new Book(world)
        const saga = failing('OPEN')
        await expect(run(world, book, { hook: crashAt(`undo ${name}`, phase) }, saga)).rejects.toThrow(
          Stopped,
        )
        expect(book.finished).toBeUndefined()
        expect(await run(world, book, {}, saga)).toBe('undo')
        expect(stateOf(world)).toEqual(undoneWorld)
      })
    }
  }
})

describe('a step that fails', () => {
  for (const name of ['BUY', 'BUILD', 'OPEN'] as const) {
    test(`${name}, before the commit is through: everything is undone, in reverse`, async () => {
      const world = new World()
      const book = new Book(world)
      expect(await run(world, book, {}, failing(name))).toBe('undo')
      expect(stateOf(world)).toEqual(undoneWorld)
      expect((book.cause as Error).message).toBe(`${name} does not work`)
      const undone = world.done.filter((entry) => entry === 'sell' || entry === 'tear down')
      expect(undone).toEqual(name === 'BUY' ? ['sell'] : ['tear down', 'sell'])
    })
  }
  for (const name of ['CLEAN', 'REST'] as const) {
    test(`${name}, after the commit: it is tried until it works`, async () => {
      const world = new World()
      const book = new Book(world)
      expect(await run(world, book, {}, failing(name, 3))).toBe('do')
      expect(stateOf(world)).toEqual(doneWorld)
      expect(book.lines.filter((line) => line.startsWith(`fail do ${name}`))).toHaveLength(3)
    })
  }
  test('an undo that fails is tried until it works', async () => {
    const world = new World()
    let left = 2
    const saga = failing('OPEN').map(
      (step): Step<Name, World> =>
        step.kind === 'action' && step.name === 'BUY'
          ? {
              ...step,
              undo: async (w) => {
                if (left-- > 0) throw new Error('nobody buys it')
                w.bought = false
              },
            }
          : step,
    )
    expect(await run(world, new Book(world), {}, saga)).toBe('undo')
    expect(stateOf(world)).toEqual(undoneWorld)
  })
})

describe('a store that fails for a moment', () => {
  /** These calls of the journal fail the first times. */
  function failingBook(world: World, calls: Partial<Record<'held' | 'finish' | 'turnBack', number>>): Book {
    const book = new Book(world)
    const left = { held: 0, finish: 0, turnBack: 0, ...calls }
    const fails = (call: keyof typeof left) => {
      if (left[call]-- > 0) throw new Error('the disk is full')
    }
    const { pauseRequested, turnBack, finish } = book
    book.pauseRequested = async () => {
      if (book.has('end do OPEN')) fails('held')
      return pauseRequested()
    }
    book.turnBack = async (cause) => {
      fails('turnBack')
      await turnBack.call(book, cause)
    }
    book.finish = async (direction) => {
      fails('finish')
      await finish.call(book, direction)
    }
    return book
  }

  test.each([{ held: 2 }, { finish: 2 }])('after the commit turns nothing back: %o', async (calls) => {
    const world = new World()
    const book = failingBook(world, calls)
    expect(await run(world, book)).toBe('do')
    expect(stateOf(world)).toEqual(doneWorld)
    expect([book.towards, book.finished]).toEqual(['do', 'do'])
    expect(world.done).toEqual(['buy', 'build'])
  })

  test('turns nothing back that only goes forward', async () => {
    const world = new World()
    const book = failingBook(world, { finish: 2 })
    const actions = steps.filter((step) => step.kind === 'action')
    expect(await run(world, book, { forwardOnly: true }, actions)).toBe('do')
    expect([book.towards, world.bought]).toEqual(['do', true])
  })

  test.each([{ turnBack: 2 }, { finish: 2 }])('leaves nothing that is half undone: %o', async (calls) => {
    const world = new World()
    const book = failingBook(world, calls)
    expect(await run(world, book, {}, failing('OPEN'))).toBe('undo')
    expect(stateOf(world)).toEqual(undoneWorld)
    expect(book.finished).toBe('undo')
  })

  test('is not waited for by a process that stops', async () => {
    const world = new World()
    const book = failingBook(world, { finish: Number.POSITIVE_INFINITY })
    const closing = new AbortController()
    const sleep = async () => closing.abort(new Error('stopping'))
    await expect(run(world, book, { closing: closing.signal, sleep })).rejects.toThrow(Stopped)
    expect(book.towards).toBe('do')
  })
})

describe('cancelling', () => {
  test('interrupts the step that is under way, and undoes', async () => {
    const world = new World()
    const book = new Book(world)
    const control = new SagaControl()
    const saga = steps.map(
      (step): Step<Name, World> =>
        step.name === 'BUILD' && step.kind === 'action'
          ? { ...step, do: (_, stop) => new Promise((_, reject) => stop.addEventListener('abort', reject)) }
          : step,
    )
    const hook: SagaHook = (step, phase) => {
      if (step !== 'BUILD' || phase !== 'before') return
      setImmediate(() => {
        book.cancelAsked = true
        control.cancelNow()
      })
    }
    expect(await run(world, book, { hook, control }, saga)).toBe('undo')
    expect(book.cause).toBeInstanceOf(Cancelled)
    expect(stateOf(world)).toEqual(undoneWorld)
  })

  for (const phase of ['before', 'doing', 'after'] as const) {
    test(`asked for ${phase} BUILD: OPEN is not reached`, async () => {
      const world = new World()
      const book = new Book(world)
      const hook: SagaHook = (step, p) => {
        if (step === 'BUILD' && p === phase) book.cancelAsked = true
      }
      expect(await run(world, book, { hook })).toBe('undo')
      expect(stateOf(world)).toEqual(undoneWorld)
    })
  }

  test('asked for while the process was down', async () => {
    const world = new World()
    const book = new Book(world)
    await expect(run(world, book, { hook: crashAt('BUILD', 'after') })).rejects.toThrow(Stopped)
    book.cancelAsked = true
    expect(await run(world, book)).toBe('undo')
    expect(stateOf(world)).toEqual(undoneWorld)
  })
})

test('a process that stops leaves the saga where it is, and records no failure', async () => {
  const world = new World()
  const book = new Book(world)
  const closing = new AbortController()
  const saga = steps.map(
    (step): Step<Name, World> =>
      step.name === 'BUILD' && step.kind === 'action'
        ? {
            ...step,
            do: async (_, stop) => {
              closing.abort(new Error('stopping'))
              stop.throwIfAborted()
            },
          }
        : step,
  )
  await expect(run(world, book, { closing: closing.signal }, saga)).rejects.toThrow(Stopped)
  expect(book.lines.at(-1)).toBe('begin do BUILD')
  expect(book.towards).toBe('do')
  expect(await run(world, book)).toBe('do')
})

describe('pausing', () => {
  /** Runs until it stands still, which is what a pause looks like from outside. */
  const standing = async (book: Book) => {
    for (let lines = -1; lines !== book.lines.length; ) {
      lines = book.lines.length
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return book.lines.at(-1)
  }

  test('holds it before its next step, until it is told to go on', async () => {
    const world = new World()
    const book = new Book(world)
    const control = new SagaControl()
    const hook: SagaHook = (step, phase) => {
      if (step === 'BUY' && phase === 'doing') book.pauseAsked = true
    }
    const running = run(world, book, { hook, control })
    expect(await standing(book)).toBe('end do BUY')
    control.goOn()
    expect(await standing(book), 'asked to go on, but not so in the journal').toBe('end do BUY')
    book.pauseAsked = false
    control.goOn()
    expect(await running).toBe('do')
    expect(stateOf(world)).toEqual(doneWorld)
  })

  test('not between a step that ends with the commit and the commit', async () => {
    const world = new World()
    const book = new Book(world)
    const control = new SagaControl()
    const hook: SagaHook = (step, phase) => {
      if (step === 'BUILD' && phase === 'doing') book.pauseAsked = true
    }
    const running = run(world, book, { hook, control })
    expect(await standing(book)).toBe('end do OPEN')
    book.pauseAsked = false
    control.goOn()
    expect(await running).toBe('do')
  })

  test('not before a step that had begun when the process died: somebody may wait for it', async () => {
    const world = new World()
    const book = new Book(world)
    await expect(run(world, book, { hook: crashAt('BUILD', 'doing') })).rejects.toThrow(Stopped)
    book.pauseAsked = true
    const control = new SagaControl()
    const running = run(world, book, { control })
    expect(await standing(book)).toBe('end do OPEN')
    book.pauseAsked = false
    control.goOn()
    expect(await running).toBe('do')
  })

  test('not on the way back', async () => {
    const world = new World()
    const book = new Book(world)
    const hook: SagaHook = (step) => {
      if (step === 'BUILD') book.pauseAsked = true
    }
    expect(await run(world, book, { hook }, failing('BUILD'))).toBe('undo')
    expect(stateOf(world)).toEqual(undoneWorld)
  })

  test('a saga that pauses can be cancelled', async () => {
    const world = new World()
    const book = new Book(world)
    book.pauseAsked = true
    const control = new SagaControl()
    const running = run(world, book, { control })
    expect(await standing(book)).toBeUndefined()
    book.cancelAsked = true
    control.cancelNow()
    expect(await running).toBe('undo')
  })

  test('interrupts a step that says it can be, and does it again later', async () => {
    const world = new World()
    const book = new Book(world)
    const control = new SagaControl()
    const saga = steps.map(
      (step): Step<Name, World> =>
        step.name === 'CLEAN' && step.kind === 'action'
          ? {
              ...step,
              pausable: true,
              do: async (w, _stop, nap) => {
                if (w.cleaned++ === 0) await nap(60_000)
              },
            }
          : step,
    )
    const sleep = (ms: number, stop: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, ms)
        stop.addEventListener('abort', () => {
          clearTimeout(timer)
          reject(stop.reason)
        })
      })
    const running = run(world, book, { control, sleep }, saga)
    expect(await standing(book)).toBe('begin do CLEAN')
    book.pauseAsked = true
    control.pauseNow()
    expect(await standing(book)).toBe('fail do CLEAN: paused')
    book.pauseAsked = false
    control.goOn()
    expect(await running).toBe('do')
    expect(world.cleaned).toBe(2)
  })

  test('what waits to be tried again is tried at once when it is told to go on', async () => {
    const world = new World()
    const book = new Book(world)
    const control = new SagaControl()
    const sleep: SagaOptions['sleep'] = (ms, stop) =>
      ms < 1_000
        ? Promise.resolve()
        : new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason)))
    const retry = { retryBaseMs: 60_000, retryMaxMs: 60_000 }
    const running = run(world, book, { control, sleep, ...retry }, failing('CLEAN', 1))
    expect(await standing(book)).toBe('fail do CLEAN: CLEAN does not work')
    control.goOn()
    expect(await running).toBe('do')
  })
})

test('a saga that only goes forward tries every step until it works, and cannot be cancelled', async () => {
  const world = new World()
  const book = new Book(world)
  book.cancelAsked = true
  const actions = failing('BUY', 3).filter((step) => step.kind === 'action')
  expect(await run(world, book, { forwardOnly: true }, actions)).toBe('do')
  expect(book.lines.filter((line) => line.startsWith('fail do BUY'))).toHaveLength(3)
})
