import { z } from 'zod'
import { moment, principalName, tenantName } from './names.ts'
import { nextPage, pageQuery } from './page.ts'

/** Who did what when from where. Append-only. */
export const auditEntry = z.object({
  /** Ascending, without gaps that mean anything. */
  number: z.int(),
  at: moment,
  principal: z.string(),
  role: z.string(),
  /** The address that asked. */
  from: z.string(),
  /** `topics.create`, as in the API's operation ids. */
  action: z.string(),
  tenant: z.string().nullable(),
  /** `topic orders`, `cluster kafka-a` */
  what: z.string(),
  outcome: z.enum(['done', 'refused']),
  /** The code of the refusal. */
  code: z.string().nullable(),
  /** What changed, by path; values as JSON. */
  diff: z.array(z.object({ path: z.string(), before: z.unknown(), after: z.unknown() })),
})
export type AuditEntry = z.infer<typeof auditEntry>

export const auditQuery = pageQuery.extend({
  tenant: tenantName.optional(),
  principal: principalName.optional(),
  since: moment.optional(),
})
export type AuditQuery = z.input<typeof auditQuery>

export const auditList = z.object({ entries: z.array(auditEntry), next: nextPage })
