import { setTimeout as sleep } from 'node:timers/promises'
import { ControlPlaneClient, type Problem, type ProblemCode } from '@braid/control-api'
import type { Choose } from '../faults/choice.ts'
import { type Change, Lane, type LaneOptions, moveIn } from './changes.ts'

/** What became of a change, as far as who asked for it can know. */
export interface Made {
  readonly change: Change
  /** `unknown`: its answer was lost, and it was not asked again. */
  readonly outcome: 'acknowledged' | 'unknown'
  /** How many answers were lost on the way. */
  readonly lost: number
  /** It had been done when it was asked again. */
  readonly replayed: boolean
  /** Of a move that was acknowledged. */
  readonly move?: string
}

type Answer =
  | { readonly kind: 'acknowledged'; readonly answer: unknown; readonly replayed: boolean }
  | { readonly kind: 'refused'; readonly problem: string }
  | { readonly kind: 'lost' }
  /** Nobody heard it. */
  | { readonly kind: 'away' }

export interface ChangeMakerOptions {
  /** Of the control planes; each request goes to one of them. */
  readonly urls: readonly string[]
  readonly lanes: readonly LaneOptions[]
}

const answerMaxMs = 30_000
/** A control plane that is started again answers in less. */
const knownMaxMs = 90_000
const switchedMaxMs = 60_000
const askAgainMs = 50
/** Of a hundred changes, so many are not waited for: a client that gives up, or a network that does. */
const givenUpPercent = 20
/** By then some are done, and some are not. */
const givenUpMaxMs = 60
/** What was given up is asked again after so long at most: before or after the next kill. */
const askAgainMaxMs = 1_500
/** Of a hundred changes whose answer was lost, so many are never asked again. */
const leftUnknownPercent = 40
/** Nobody leads, it stops, or what was asked before is under way: it may have been done, or will be. */
const undecided: readonly ProblemCode[] = ['NO_LEADER', 'SHUTTING_DOWN', 'REQUEST_IN_PROGRESS']
/** It was done, and only its secret is lost. */
const secretLost: ProblemCode = 'ANSWER_NOT_KEPT'

/**
 * Makes changes without pause, some of them at once, by plain requests: so that it is seen which answers were lost,
 * and that a request that is asked again under its Idempotency-Key is done once.
 */
export class ChangeMaker {
  readonly made: Made[] = []
  /** What should not have happened: a change that was refused, or is not known after a long time. */
  readonly wrong: string[] = []
  readonly lanes: readonly Lane[]
  readonly #options: ChangeMakerOptions
  readonly #client: ControlPlaneClient
  readonly #sending = new Set<() => void>()
  #working: Promise<unknown> = Promise.resolve()
  #stopping = false

  constructor(options: ChangeMakerOptions) {
    this.#options = options
    this.#client = new ControlPlaneClient({ url: options.urls })
    this.lanes = options.lanes.map((lane) => new Lane(lane))
  }

  start(): void {
    this.#working = Promise.all(
      this.lanes.map((lane, index) => this.#work(lane, this.#options.lanes[index]!.choose)),
    )
  }

  /** Resolves when a request is about to be sent, or after a while without. */
  async sending(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#sending.add(resolve)
    await Promise.race([promise, sleep(2_000, undefined, { ref: false })])
    this.#sending.delete(resolve)
  }

  /** No more changes; resolves when what became of the last ones is known. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#working
  }

  async #work(lane: Lane, choose: Choose): Promise<void> {
    let change = lane.first()
    while (!this.#stopping && this.wrong.length === 0) {
      const moving = lane.before(change)
      if (moving !== undefined) await this.#switched(moving)
      await this.#make(lane, change, choose)
      change = lane.next()
    }
  }

  async #switched(move: string): Promise<void> {
    await this.#client.migrations
      .wait(move, { until: 'switched', timeoutMs: switchedMaxMs })
      .catch((error: Error) => this.wrong.push(`move ${move}: ${error.message}`))
  }

  async #make(lane: Lane, change: Change, choose: Choose): Promise<void> {
    const key = `${change.thing} ${crypto.randomUUID()}`
    const deadline = performance.now() + knownMaxMs
    let lost = 0
    for (;;) {
      const givenUp = lost === 0 && choose.number(1, 100) <= givenUpPercent
      const patienceMs = givenUp ? choose.number(1, givenUpMaxMs) : answerMaxMs
      const answer = await this.#ask(change, key, choose.one(this.#options.urls), patienceMs)
      if (answer.kind === 'acknowledged') {
        const isMove = change.audit.action === 'migrations.start'
        const move = isMove ? { move: moveIn(answer.answer) } : {}
        const { replayed } = answer
        this.made.push({ change, outcome: 'acknowledged', lost, replayed, ...move })
        lane.acknowledged(change, answer.answer)
        return
      }
      if (answer.kind === 'refused' || performance.now() > deadline) {
        const why = answer.kind === 'refused' ? answer.problem : `nothing known after ${knownMaxMs} ms`
        this.wrong.push(`${change.method} ${change.path}, ${lost} answers lost: ${why}`)
        return
      }
      if (answer.kind === 'lost') {
        lost++
        if (change.mayStayUnknown && choose.number(1, 100) <= leftUnknownPercent) {
          this.made.push({ change, outcome: 'unknown', lost, replayed: false })
          lane.unknown(change)
          return
        }
      }
      await sleep(givenUp ? choose.number(0, askAgainMaxMs) : askAgainMs)
    }
  }

  async #ask({ method, path, body }: Change, key: string, url: string, patienceMs: number): Promise<Answer> {
    for (const resolve of this.#sending) resolve()
    try {
      const answer = await fetch(new URL(`/v1/${path}`, url), {
        method,
        headers: {
          'idempotency-key': key,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(patienceMs),
      })
      const text = await answer.text()
      const said = (text === '' ? undefined : JSON.parse(text)) as Partial<Problem>
      const replayed = answer.headers.get('idempotency-replayed') === 'true'
      if (answer.ok) return { kind: 'acknowledged', answer: said, replayed }
      if (said.code === secretLost) return { kind: 'acknowledged', answer: undefined, replayed }
      if (undecided.some((code) => code === said.code)) return { kind: 'lost' }
      return { kind: 'refused', problem: `${answer.status} ${said.code}: ${said.detail}` }
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
      return { kind: code === 'ECONNREFUSED' ? 'away' : 'lost' }
    }
  }
}
