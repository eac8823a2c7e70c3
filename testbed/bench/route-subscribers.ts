import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type SubscriberOrder =
  | {
      readonly kind: 'subscribe'
      readonly url: string
      /** Raw sockets. */
      readonly sockets: number
      /** Real clients. */
      readonly feeds: number
      readonly compression: boolean
    }
  | { readonly kind: 'tables' }

/** Moments are of the machine's monotonic clock, which all processes share. */
export type SubscriberReport =
  | { readonly kind: 'subscribed'; readonly atNs: string }
  /** The last socket of the process has got the version. */
  | { readonly kind: 'reached'; readonly version: number; readonly atNs: string }
  | { readonly kind: 'tables'; readonly tables: readonly SubscriberTable[] }
  | { readonly kind: 'failed'; readonly reason: string }

export interface SubscriberTable {
  readonly version: number
  readonly digest: string
}

type Heard<K extends SubscriberReport['kind']> = Extract<SubscriberReport, { kind: K }>

const answerMaxMs = 120_000

/** Subscribers in processes of their own. */
export class Subscribers {
  private readonly children: readonly ChildProcess[]
  private readonly waiting = new Set<(report: SubscriberReport, child: ChildProcess) => void>()

  constructor(processes: number) {
    const main = fileURLToPath(new URL('./route-subscribers-main.ts', import.meta.url))
    this.children = Array.from({ length: processes }, () => {
      const child = fork(main)
      child.on('message', (report: SubscriberReport) => {
        for (const hear of this.waiting) hear(report, child)
      })
      return child
    })
  }

  /** `sockets` and `feeds` of each process. Resolves when all have a table. */
  async subscribe(order: Omit<Extract<SubscriberOrder, { kind: 'subscribe' }>, 'kind'>): Promise<void> {
    const subscribed = this.heard('subscribed', () => true)
    this.send({ kind: 'subscribe', ...order })
    await subscribed
  }

  /** The moment at which the last of all subscribers gets the version. Ask before you make the change. */
  async reached(version: number): Promise<bigint> {
    const reports = await this.heard('reached', (report) => report.version === version)
    let lastNs = 0n
    for (const { atNs } of reports) if (BigInt(atNs) > lastNs) lastNs = BigInt(atNs)
    return lastNs
  }

  async tables(): Promise<readonly SubscriberTable[]> {
    const tables = this.heard('tables', () => true)
    this.send({ kind: 'tables' })
    return (await tables).flatMap((report) => report.tables)
  }

  stop(): void {
    for (const child of this.children) child.kill()
  }

  private send(order: SubscriberOrder): void {
    for (const child of this.children) child.send(order)
  }

  /** One report of each process. */
  private heard<K extends SubscriberReport['kind']>(
    kind: K,
    fits: (report: Heard<K>) => boolean,
  ): Promise<Heard<K>[]> {
    return new Promise((resolve, reject) => {
      const reports = new Map<ChildProcess, Heard<K>>()
      const end = () => {
        clearTimeout(timer)
        this.waiting.delete(hear)
      }
      const hear = (report: SubscriberReport, child: ChildProcess) => {
        if (report.kind === 'failed') {
          end()
          reject(new Error(report.reason))
        } else if (report.kind === kind && fits(report as Heard<K>)) {
          reports.set(child, report as Heard<K>)
          if (reports.size < this.children.length) return
          end()
          resolve([...reports.values()])
        }
      }
      const timer = setTimeout(() => {
        end()
        reject(new Error(`${this.children.length - reports.size} processes did not report ${kind}`))
      }, answerMaxMs)
      this.waiting.add(hear)
    })
  }
}
