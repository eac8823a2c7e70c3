import { keyIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

export function accessPointEndpoints({ accessPoints }: Pick<Served, 'accessPoints'>) {
  return {
    'accessPoints.list': ({ query: { limit, after } }) => {
      const from = keyIn('accessPoints', after) ?? ''
      const found = accessPoints
        .list()
        .filter(({ id }) => id > from)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
      const { rows, next } = pageOf('accessPoints', found, limit, ({ id }) => id)
      return { accessPoints: rows, next }
    },
    'accessPoints.renew': ({ params: { id }, body }) => accessPoints.renew(id, body),
    'accessPoints.remove': async ({ params: { id } }) => {
      await accessPoints.remove(id)
    },
  } satisfies Handlers
}
