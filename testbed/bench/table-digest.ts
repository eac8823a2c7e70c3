import { createHash } from 'node:crypto'
import type { RouteTable } from '@braid/routing-model'

/** Of what a table says, in whatever order. */
export function digestOf(table: RouteTable): string {
  const { topics, clusters, tenants, accessPoints } = table.toJSON()
  const said = [...topics, ...clusters, ...tenants, ...accessPoints].map((item) => JSON.stringify(item))
  return createHash('sha256').update(said.sort().join('\n')).digest('hex')
}
