import type { Distribution, Labels } from '@braid/control-api'
import type { RouteTable } from '@braid/routing-model'
import type { Check, CheckSource } from '../canary/checks.ts'
import { Latencies } from './latencies.ts'

type Kind = CheckSource['kind']

const labelsOf = (source: CheckSource): Labels =>
  source.kind === 'cluster'
    ? { cluster: source.cluster }
    : { access_point: source.accessPoint, listener: source.listener }

/** Checks and how long they took, of what the routes still name. */
export class CheckCounts {
  readonly #checks: Readonly<Record<Kind, Map<string, readonly [Labels, number]>>> = {
    cluster: new Map(),
    listener: new Map(),
  }
  readonly #latencies: Readonly<Record<Kind, Latencies>> = {
    cluster: new Latencies(),
    listener: new Latencies(),
  }

  took({ source, ok, latenciesMs }: Check): void {
    const of = labelsOf(source)
    const labels = { ...of, result: ok ? 'ok' : 'failed' }
    const counts = this.#checks[source.kind]
    const key = JSON.stringify(labels)
    counts.set(key, [labels, (counts.get(key)?.[1] ?? 0) + 1])
    for (const [operation, ms] of latenciesMs)
      this.#latencies[source.kind].observe({ ...of, operation }, ms / 1_000)
  }

  follow({ clusters, accessPoints }: RouteTable): void {
    const isThere = ({ cluster, access_point: accessPoint }: Labels) =>
      cluster === undefined ? accessPoints.has(accessPoint ?? '') : clusters.has(cluster)
    for (const counts of Object.values(this.#checks))
      for (const [key, [labels]] of counts) if (!isThere(labels)) counts.delete(key)
    for (const latencies of Object.values(this.#latencies)) latencies.forgetAllBut(isThere)
  }

  checksOf(kind: Kind): Iterable<readonly [Labels, number]> {
    return this.#checks[kind].values()
  }

  latenciesOf(kind: Kind): [Labels, Distribution][] {
    return this.#latencies[kind].values()
  }
}
