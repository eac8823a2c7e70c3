import type { Placement } from '@braid/control-api'
import type { Look } from './print.ts'
import { table } from './table.ts'

/** Where placement puts a topic, why there, and why not elsewhere. */
export function placementText(
  { cluster, standby, stub, reasons, considered }: Placement,
  look: Look,
): string {
  const lines = [
    `cluster   ${cluster}`,
    `standby   ${standby ?? '- (its class has no failover)'}`,
    `stub      ${stub === null ? '- (it is on its home)' : `on ${stub}, where its groups commit`}`,
    ...reasons.map((reason) => `  ${reason}`),
  ]
  const rows = table(
    [
      { head: 'CONSIDERED', cell: ({ cluster }) => cluster },
      { head: 'VERDICT', cell: ({ verdict }) => verdict },
      { head: 'REASON', cell: ({ reason }) => reason },
    ],
    considered,
    look,
  )
  return `${lines.join('\n')}\n${considered.length === 0 ? '' : `\n${rows}`}`
}
