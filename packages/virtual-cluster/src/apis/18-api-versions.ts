import { apiVersions, errorCodes } from '@braid/kafka-protocol'
import { offered } from '../api-table.ts'
import { typed } from '../typed-call.ts'

/** What is offered: nothing that is not answered here. Features are none. */
export const apiVersionsHandler = typed(apiVersions, [0, 4], () => ({ errorCode: 0, apiKeys: offered() }))

/** To a client that asks in a version of the future: the list, in version 0, as KIP-511 has it. */
export const apiVersionsOfTheFuture = () => ({
  errorCode: errorCodes.UNSUPPORTED_VERSION,
  apiKeys: offered(),
})
