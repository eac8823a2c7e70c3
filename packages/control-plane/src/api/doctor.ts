import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

export function doctorEndpoints({ doctor }: Pick<Served, 'doctor'>) {
  return {
    'doctor.run': () => doctor.run(),
  } satisfies Handlers
}
