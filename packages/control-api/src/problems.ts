// Errors of the API, RFC 9457. One table: the code is stable and is what programs switch on; the detail says
// what happened, where, and what to do.
import { z } from 'zod'

export const problemCodes = {
  BAD_REQUEST: { status: 400, title: 'The request is not understood' },
  UNAUTHENTICATED: { status: 401, title: 'Credentials are needed' },
  FORBIDDEN: { status: 403, title: 'The role does not allow it' },
  NOT_FOUND: { status: 404, title: 'There is nothing at this address' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed there' },
  UNKNOWN_CLUSTER: { status: 404, title: 'No such cluster' },
  UNKNOWN_SLA: { status: 404, title: 'No such SLA class' },
  UNKNOWN_TENANT: { status: 404, title: 'No such tenant' },
  UNKNOWN_REQUEST: { status: 404, title: 'No such request' },
  UNKNOWN_OPERATION: { status: 404, title: 'No such operation' },
  UNKNOWN_TOKEN: { status: 404, title: 'No such token' },
  UNKNOWN_TOPIC: { status: 404, title: 'No such topic' },
  UNKNOWN_MIGRATION: { status: 404, title: 'No such migration' },
  UNKNOWN_ACCESS_POINT: { status: 404, title: 'No such access point' },
  CLUSTER_EXISTS: { status: 409, title: 'The name is taken' },
  CLUSTER_ALREADY_REGISTERED: { status: 409, title: 'The cluster is registered under another name' },
  CLUSTER_IN_USE: { status: 409, title: 'Topics live on the cluster' },
  CLUSTER_UNREACHABLE: { status: 502, title: 'The cluster does not answer' },
  CLUSTER_ACCESS_REFUSED: { status: 422, title: 'The cluster does not let Braid in' },
  CLUSTER_RIGHT_MISSING: { status: 422, title: 'Braid lacks a right on the cluster' },
  CLUSTER_UNSUPPORTED: { status: 422, title: 'The cluster lacks what Braid needs' },
  CLUSTER_CHANGED: { status: 409, title: 'Another cluster answers at these addresses' },
  CLUSTER_GIVEN_UP: { status: 409, title: 'The cluster was given up' },
  CLUSTER_NOT_GIVEN_UP: { status: 409, title: 'The cluster was not given up' },
  CLUSTER_ANSWERS: { status: 409, title: 'The cluster answers' },
  CLUSTER_STILL_FAILING: { status: 409, title: 'The cluster is still failing' },
  STANDBY_DOWN: { status: 409, title: 'Where the topics would go is down too' },
  NOTHING_TO_FAIL_OVER: { status: 409, title: 'Nothing on the cluster fails over' },
  UNKNOWN_FAILOVER: { status: 404, title: 'No such failover' },
  FAILOVER_IN_PROGRESS: { status: 409, title: 'A failover or return is under way' },
  FAILOVER_ENDED: { status: 409, title: 'The failover can no longer be cancelled' },
  FAILOVER_LIMIT: { status: 409, title: 'Another cluster was given up a short while ago' },
  FAILOVER_CANCELLED: { status: 409, title: 'The failover was cancelled' },
  UNKNOWN_LOGLET: { status: 404, title: 'No such loglet' },
  LOGLET_NOT_LOST: { status: 409, title: 'The loglet is not lost' },
  NOT_CONFIRMED: { status: 409, title: 'It has to be confirmed' },
  CLUSTER_BUSY: { status: 409, title: 'The cluster is being drained' },
  SLA_IN_USE: { status: 409, title: 'Topics have the class' },
  TENANT_IN_USE: { status: 409, title: 'The tenant has topics' },
  HOME_STAYS: { status: 409, title: 'A home cannot be changed yet' },
  NO_PLACE: { status: 409, title: 'No cluster fits' },
  QUOTA_EXCEEDED: { status: 409, title: 'The quota is reached' },
  STALE_PLAN: { status: 409, title: 'The world has changed since the plan' },
  PLAN_HAS_OBSTACLES: { status: 409, title: 'The plan cannot be applied' },
  OPERATION_IN_PROGRESS: { status: 409, title: 'Another operation is under way' },
  OPERATION_ENDED: { status: 409, title: 'The operation has ended' },
  OPERATION_NOT_FAILED: { status: 409, title: 'Nothing of the operation failed' },
  REQUEST_DECIDED: { status: 409, title: 'The request was decided' },
  TOPICS_APART: { status: 409, title: 'The topics are not on one cluster' },
  MIGRATION_NOT_FAILED: { status: 409, title: 'The migration did not fail' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The idempotency key belongs to another request' },
  REQUEST_IN_PROGRESS: { status: 409, title: 'The request with this idempotency key is not answered yet' },
  ANSWER_NOT_KEPT: { status: 409, title: 'It was done, and its answer was not kept' },
  BACKUP_REFUSED: { status: 409, title: 'No backup was made' },
  NO_CLUSTER: { status: 409, title: 'No cluster is registered' },
  NO_ROOM: { status: 409, title: 'The cluster has no room' },
  TOO_FEW_BROKERS: { status: 409, title: 'The cluster has too few brokers' },
  TOPIC_EXISTS: { status: 409, title: 'The topic exists' },
  TOPIC_NOT_ON_CLUSTER: { status: 404, title: 'The cluster has no such topic' },
  TOPIC_COMPACTED: { status: 422, title: 'The topic is compacted' },
  TOPIC_SEALED: { status: 409, title: 'The topic takes no records' },
  TOPIC_CONFIG_REFUSED: { status: 422, title: 'The cluster refuses the topic as it was asked for' },
  TOPIC_CHANGING: { status: 409, title: 'The topic is being changed' },
  ALREADY_THERE: { status: 409, title: 'The topic is there already' },
  CHAIN_TOO_LONG: { status: 409, title: 'The topic has too many loglets' },
  MIGRATION_IN_PROGRESS: { status: 409, title: 'The topic is being moved' },
  MIGRATION_SWITCHED: { status: 409, title: 'The migration can no longer be cancelled' },
  MIGRATION_ENDED: { status: 409, title: 'The migration has ended' },
  MIGRATION_CANCELLED: { status: 409, title: 'The migration was cancelled' },
  MIGRATION_UNDONE: { status: 409, title: 'The migration was undone' },
  SEAL_FAILED: { status: 502, title: 'The topic could not be sealed' },
  GROUPS_BUSY: { status: 409, title: 'Consumer groups are active' },
  LIMIT_REACHED: { status: 409, title: 'A limit is reached' },
  IDENTITY_UNAVAILABLE: { status: 503, title: 'The issuer of the token cannot be asked' },
  NO_LEADER: { status: 503, title: 'No control plane leads at this moment' },
  TOO_MANY_READERS: { status: 503, title: 'The route feed has as many readers as it may have' },
  SHUTTING_DOWN: { status: 503, title: 'The control plane is stopping' },
  INTERNAL: { status: 500, title: 'The control plane failed' },
} as const

export type ProblemCode = keyof typeof problemCodes

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  /** By path in the request, when the request was not understood. */
  fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})
export type Problem = z.infer<typeof problem>

export function problemOf(code: ProblemCode, detail: string, fields?: Problem['fields']): Problem {
  const { status, title } = problemCodes[code]
  return { type: `urn:braid:problem:${code}`, title, status, detail, code, ...(fields && { fields }) }
}

/** On our side of the wire there are two more: no answer at all, or one that no control plane gives. */
export type ControlPlaneErrorCode = ProblemCode | 'UNAVAILABLE' | 'TIMED_OUT' | 'BAD_ANSWER'

/** What a control plane refuses, or why it could not be asked. `status` is 0 when there was no answer. */
export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError'
  /** A ControlPlaneErrorCode, or a code of a newer control plane. */
  readonly code: string
  readonly status: number
  readonly detail: string

  constructor(code: ControlPlaneErrorCode | (string & {}), status: number, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = status
    this.detail = detail
  }
}
