import { ControlPlaneClient, type ProblemCode, problemOf } from '@braid/control-api'
import { type ErrorName, errorCodes, errors } from '@braid/kafka-protocol'
import { describe, expect, test } from 'vitest'
import { controlPlaneAdmin } from './control-plane-admin.ts'

function refusing(code: ProblemCode) {
  const problem = problemOf(code, 'why')
  const client = new ControlPlaneClient({
    url: 'http://127.0.0.1:7070',
    fetch: async () => new Response(JSON.stringify(problem), { status: problem.status }),
    limits: { leaderMaxMs: 0 },
  })
  return controlPlaneAdmin(client, 'default')
}

describe('what a Kafka client hears when the control plane refuses', () => {
  const cases: readonly [ProblemCode, ErrorName][] = [
    ['TOPIC_EXISTS', 'TOPIC_ALREADY_EXISTS'],
    ['UNKNOWN_TOPIC', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['QUOTA_EXCEEDED', 'POLICY_VIOLATION'],
    ['NO_PLACE', 'POLICY_VIOLATION'],
    ['NO_LEADER', 'REQUEST_TIMED_OUT'],
    ['SHUTTING_DOWN', 'REQUEST_TIMED_OUT'],
    ['CLUSTER_UNREACHABLE', 'REQUEST_TIMED_OUT'],
    ['INTERNAL', 'UNKNOWN_SERVER_ERROR'],
  ]
  test.each(cases)('%s is %s, with its reason', async (code, name) => {
    const expected = { kafkaError: errorCodes[name], message: 'why' }
    await expect(refusing(code).deleteTopic('orders')).rejects.toMatchObject(expected)
  })

  test('what passes by itself may be tried again', () => {
    const passing = cases.filter(([code]) =>
      ['NO_LEADER', 'SHUTTING_DOWN', 'CLUSTER_UNREACHABLE'].includes(code),
    )
    expect(passing.map(([, name]) => errors[name].retriable)).toEqual([true, true, true])
  })
})
