/** What was done and seen in a run, with times: what somebody needs who looks for a finding's cause. */
export class Timeline {
  readonly lines: string[] = []
  readonly #startedAt = performance.now()
  readonly #show: (line: string) => void

  constructor(show: (line: string) => void) {
    this.#show = show
  }

  say(what: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1)
    const line = `${seconds.padStart(7)} s  ${what}`
    this.lines.push(line)
    this.#show(line)
  }
}
