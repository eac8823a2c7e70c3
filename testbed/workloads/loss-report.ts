import type { Failover } from '@braid/control-api'
import { monotonicMs } from '../history/event.ts'
import type { Outage } from '../history/outage.ts'
import { type Verdict, verdictCounts } from '../history/verdict.ts'

/** What a scenario of a lost cluster says that it measured. */
export function lossReport(
  outage: Outage,
  failover: Failover,
  returned: Failover | undefined,
  verdict: Verdict,
): string {
  const { decisionToSwitchMs, fenceMs } = failover
  return [
    `no acknowledgement for ${ms(outage.firstMs)}, every producer after ${ms(outage.everyProducerMs)}`,
    `decision to switch ${ms(decisionToSwitchMs)}, of it ${ms(fenceMs)} for leases`,
    ...(returned === undefined ? [] : [`returned in ${ms(tookMs(returned))}`]),
    verdictCounts(verdict),
  ].join('\n')
}

/** When it was decided to give the cluster up, in the history's time: both clocks are this machine's. */
export function decidedAt({ createdAt }: Failover): number {
  return Date.parse(createdAt) - (Date.now() - monotonicMs())
}

export function tookMs({ createdAt, endedAt }: Failover): number | null {
  return endedAt === null ? null : Date.parse(endedAt) - Date.parse(createdAt)
}

function ms(value: number | null): string {
  return value === null ? 'unknown' : `${value.toFixed(0)} ms`
}
