/** Collects counts, and the first few pieces of evidence of each kind. */
export class Findings {
  readonly counts = {
    lost: 0,
    duplicated: 0,
    reordered: 0,
    offsetsBack: 0,
    offsetsReused: 0,
    commitsLost: 0,
    unseen: 0,
    foreign: 0,
    errors: 0,
  }
  readonly evidence: string[] = []
  readonly #evidenceMax: number

  constructor(evidenceMax: number) {
    this.#evidenceMax = evidenceMax
  }

  found(kind: keyof Findings['counts'], what: string): void {
    this.counts[kind]++
    if (this.counts[kind] <= this.#evidenceMax) this.evidence.push(`${kind}: ${what}`)
  }
}
