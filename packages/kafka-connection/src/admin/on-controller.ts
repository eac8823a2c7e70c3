import { errorCodes } from '@braid/kafka-protocol'
import { backoffMs } from '../backoff.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { ClusterConnections } from '../cluster-connections.ts'
import type { ConnectionError } from '../errors.ts'
import type { Lane } from '../pool.ts'
import { brokerError, type Right } from '../rights.ts'

const TRIES_MAX = 5

export interface ChangeAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/**
 * Sends a change to the controller. NOT_CONTROLLER means that nothing was done, so it is sent again to the one that is by
 * then; nothing else is repeated here, as only the caller knows whether it may be done twice.
 */
export async function onController<A extends ChangeAnswer>(
  cluster: ClusterConnections,
  lane: Lane,
  change: (connection: BrokerConnection) => Promise<readonly A[]>,
): Promise<readonly A[]> {
  for (let tries = 1; ; tries++) {
    const answers = await change(await cluster.controller(lane))
    const moved = answers.some(({ errorCode }) => errorCode === errorCodes.NOT_CONTROLLER)
    if (!moved || tries === TRIES_MAX || cluster.closed) return answers
    await cluster.wait(backoffMs(tries, cluster.options))
    await cluster.refreshBrokers()
  }
}

/** What a refused change is thrown as. `what` reads like "create topic orders", and takes the right `needed`. */
export function refused(
  cluster: ClusterConnections,
  what: string,
  answer: ChangeAnswer,
  needed: Right,
): ConnectionError {
  const said = `${cluster.name} refused to ${what}`
  return brokerError(cluster.name, said, answer.errorCode, needed, answer.errorMessage)
}
