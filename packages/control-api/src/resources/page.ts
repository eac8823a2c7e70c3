// Lists come in pages: `limit` rows, and `next`, which asks for the page after.
import { z } from 'zod'

export const pageLimitMax = 1_000

/** Opaque to callers: where a page ended. */
export const cursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,400}$/, 'a cursor is what `next` of an earlier page said')

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(pageLimitMax).default(100),
  after: cursor.optional(),
})
export type PageQuery = z.output<typeof pageQuery>

/** `next` is null on the last page. */
export const nextPage = z.string().nullable()

/** Says what would be done, and does nothing. */
export const dryRunQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
})
