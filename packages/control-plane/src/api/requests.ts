import type { z } from 'zod'
import { Refusal } from '../refusal.ts'

/** The parsed value, or BAD_REQUEST with what is wrong, by path. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, what?: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.slice(0, 20).map((issue) => ({
    path: issue.path.map(String).join('.'),
    message: issue.message,
  }))
  const said = fields.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  throw new Refusal('BAD_REQUEST', `${what === undefined ? '' : `${what}: `}${said.join('; ')}`, { fields })
}
