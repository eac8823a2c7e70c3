/** How long to wait before try number `tries` (1 after the first failure): full jitter under a ceiling that doubles. */
export function backoffMs(
  tries: number,
  {
    backoffFirstMs,
    backoffMaxMs,
    random,
  }: { backoffFirstMs: number; backoffMaxMs: number; random: () => number },
): number {
  const ceilingMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.max(0, tries - 1))
  return random() * ceilingMs
}
