/** Full jitter between half and all of an exponential step: many readers do not come back at one moment. */
export function backoffMs(failures: number, baseMs: number, maxMs: number, random: () => number): number {
  const stepMs = Math.min(maxMs, baseMs * 2 ** Math.min(failures, 20))
  return stepMs * (0.5 + random() / 2)
}
