import { z } from 'zod'
import { moment } from './names.ts'

/** Something that `braid doctor` looked at. `fix` says what to do; null when nothing is wrong. */
export const finding = z.object({
  /** Stable: BROKER_UNREACHABLE, MISSING_RIGHT, STUB_MISSING ... */
  code: z.string(),
  severity: z.enum(['ok', 'warning', 'error']),
  /** `cluster kafka-a`, `topic orders of tenant shop` */
  subject: z.string(),
  detail: z.string(),
  fix: z.string().nullable(),
})
export type Finding = z.infer<typeof finding>

export const diagnosis = z.object({
  at: moment,
  findings: z.array(finding),
  counts: z.object({ ok: z.int(), warning: z.int(), error: z.int() }),
})
export type Diagnosis = z.infer<typeof diagnosis>
