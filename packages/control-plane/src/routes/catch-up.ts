import type { Store } from '../store/store.ts'
import type { DeltaText, PublishedRoutes } from './published-routes.ts'

/** Brings what is published to what the store holds: by the deltas in between where they are kept. */
export async function catchUp(store: Store, published: PublishedRoutes): Promise<void> {
  const { version, deltas } = await store.transaction(async () => ({
    version: await store.routeVersion(),
    deltas: published.storeId === store.id ? await store.deltasAfter(published.table.version) : [],
  }))
  if (published.storeId === store.id && deltas.length === version - published.table.version) {
    if (follow(deltas, published)) return
  }
  const whole = await store.transaction(async () => ({
    table: await store.routes(),
    deltas: await store.deltasAfter(0),
  }))
  published.replace(store.id, whole.table, whole.deltas)
}

/** False when one does not fit: then the table that they were made for is not ours. */
function follow(deltas: readonly DeltaText[], published: PublishedRoutes): boolean {
  try {
    for (const delta of deltas) published.follow(delta)
    return true
  } catch {
    return false
  }
}
