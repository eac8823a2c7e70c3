import { numberIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

export function monitorEndpoints({ plane: { store }, monitors }: Pick<Served, 'plane' | 'monitors'>) {
  return {
    'monitors.report': ({ params: { id }, body }) => monitors.report(id, body),
    'monitors.events': async ({ query: { limit, after } }) => {
      const rows = await store.failovers.events(limit + 1, numberIn('monitorEvents', after))
      const page = pageOf('monitorEvents', rows, limit, ({ number }) => String(number))
      return { events: page.rows.map(({ number: _, ...event }) => event), next: page.next }
    },
  } satisfies Handlers
}
