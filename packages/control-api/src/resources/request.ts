import { z } from 'zod'
import { moment, shortText } from './names.ts'
import { nextPage } from './page.ts'
import { placement, topicSpec } from './topic.ts'

/**
 *     granted ──> fulfilled | failed      within quota and policy, or approved
 *     waiting ──> granted | denied | withdrawn
 */
export const requestState = z.enum(['waiting', 'granted', 'fulfilled', 'failed', 'denied', 'withdrawn'])
export type RequestState = z.infer<typeof requestState>

/** A product team's wish for a topic. Within quota and policy it is fulfilled at once, else an approver decides. */
export const topicRequestCreation = z.strictObject({
  topic: topicSpec.omit({ cluster: true }),
  why: shortText,
})
export type TopicRequestCreation = z.input<typeof topicRequestCreation>

export const requestDecision = z.strictObject({ reason: shortText.optional() })
export type RequestDecision = z.input<typeof requestDecision>

export const topicRequest = z.object({
  id: z.string(),
  tenant: z.string(),
  topic: topicSpec.omit({ cluster: true }),
  why: z.string(),
  state: requestState,
  /** Why it waits: which quota or rule, with the numbers. */
  waitsFor: z.array(z.string()),
  /** Who may decide. */
  approvers: z.array(z.string()),
  by: z.string(),
  createdAt: moment,
  decision: z.object({ by: z.string(), at: moment, reason: z.string().nullable() }).nullable(),
  placement: placement.nullable(),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
  revision: z.int(),
})
export type TopicRequest = z.infer<typeof topicRequest>

export const topicRequestList = z.object({ requests: z.array(topicRequest), next: nextPage })
