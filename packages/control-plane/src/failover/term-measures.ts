// What only the control plane that leads can measure, for whoever asks the process.
import type { ClusterHealth } from '@braid/control-api'
import type { Detector } from './detector.ts'
import type { Leases } from './leases.ts'

export type Health = ClusterHealth['state']

export class TermMeasures {
  private term: { readonly detector: Pick<Detector, 'healths'>; readonly leases: Leases } | undefined

  begin(term: { readonly detector: Pick<Detector, 'healths'>; readonly leases: Leases }): void {
    this.term = term
  }

  end(leases: Leases): void {
    if (this.term?.leases === leases) this.term = undefined
  }

  healths(): ReadonlyMap<string, Health> | undefined {
    return this.term?.detector.healths()
  }

  /** How many may write. */
  leases(): number | undefined {
    return this.term?.leases.count
  }

  mirrorLagSeconds(): number | undefined {
    return this.term && (this.term.leases.mirrorLagMs ?? 0) / 1_000
  }
}
