import type { TopicRequest } from '@braid/control-api'
import { numberIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

/** Self-service. Who may decide is a matter of the tenant, and so of the requests themselves. */
export function requestEndpoints({ topicRequests }: Pick<Served, 'topicRequests'>) {
  const change = (after: TopicRequest, before: TopicRequest | undefined) => ({
    tenant: after.tenant,
    what: `request ${after.id} for topic ${after.topic.name}`,
    before: before && { state: before.state },
    after: { state: after.state, ...(after.decision && { decision: after.decision }) },
  })
  return {
    'requests.create': ({ params: { tenant }, body: { topic, why }, caller, record }) =>
      topicRequests.create({ tenant, topic, why }, caller.principal, (answer, before) =>
        record(change(answer, before), answer),
      ),
    'requests.list': async ({ query: { tenant, limit, after }, caller }) => {
      const before = numberIn('requests', after)
      const found = await topicRequests.list(caller, { tenant, limit: limit + 1, before })
      const { rows, next } = pageOf('requests', found, limit, (row) => String(row.number))
      return { requests: await Promise.all(rows.map((row) => topicRequests.shown(row))), next }
    },
    'requests.get': ({ params: { id }, caller }) => topicRequests.seenBy(caller, id),
    'requests.approve': ({ params: { id }, body: { reason = null }, caller, record }) =>
      topicRequests.approve(caller, id, reason, (answer, before) => record(change(answer, before), answer)),
    'requests.deny': ({ params: { id }, body: { reason = null }, caller, record }) =>
      topicRequests.deny(caller, id, reason, (answer, before) => record(change(answer, before), answer)),
    'requests.withdraw': ({ params: { id }, caller, record }) =>
      topicRequests.withdraw(caller, id, (answer, before) => record(change(answer, before), answer)),
  } satisfies Handlers
}
