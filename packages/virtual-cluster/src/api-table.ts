import {
  apiVersions,
  fetch,
  ProtocolError,
  produce,
  type RequestHeader,
  responseHeaderBytes,
  Writer,
} from '@braid/kafka-protocol'
import { answerProduce } from './apis/00-produce.ts'
import { answerFetch } from './apis/01-fetch.ts'
import { listOffsetsHandler } from './apis/02-list-offsets.ts'
import { metadataHandler } from './apis/03-metadata.ts'
import { offsetCommitHandler } from './apis/08-offset-commit.ts'
import { offsetFetchHandler } from './apis/09-offset-fetch.ts'
import { findCoordinatorHandler } from './apis/10-find-coordinator.ts'
import { joinGroupHandler } from './apis/11-join-group.ts'
import { heartbeatHandler } from './apis/12-heartbeat.ts'
import { leaveGroupHandler } from './apis/13-leave-group.ts'
import { syncGroupHandler } from './apis/14-sync-group.ts'
import { describeGroupsHandler } from './apis/15-describe-groups.ts'
import { listGroupsHandler } from './apis/16-list-groups.ts'
import { apiVersionsHandler, apiVersionsOfTheFuture } from './apis/18-api-versions.ts'
import { createTopicsHandler } from './apis/19-create-topics.ts'
import { deleteTopicsHandler } from './apis/20-delete-topics.ts'
import { initProducerIdHandler } from './apis/22-init-producer-id.ts'
import { describeConfigsHandler } from './apis/32-describe-configs.ts'
import { deleteGroupsHandler } from './apis/42-delete-groups.ts'
import { describeClusterHandler } from './apis/60-describe-cluster.ts'
import type { Session } from './session.ts'
import type { TypedHandler } from './typed-call.ts'

/** The last versions before topic ids (KIP-516). */
const PRODUCE_MAX = 12
const FETCH_MAX = 12

/** Everything that is answered, in the order of the API keys. What is not here is not advertised. */
const table = (): readonly TypedHandler[] => [
  { key: produce.key, name: produce.name, minVersion: 3, maxVersion: PRODUCE_MAX, handle: answerProduce },
  { key: fetch.key, name: fetch.name, minVersion: 4, maxVersion: FETCH_MAX, handle: answerFetch },
  listOffsetsHandler,
  metadataHandler,
  offsetCommitHandler,
  offsetFetchHandler,
  findCoordinatorHandler,
  joinGroupHandler,
  heartbeatHandler,
  leaveGroupHandler,
  syncGroupHandler,
  describeGroupsHandler,
  listGroupsHandler,
  apiVersionsHandler,
  createTopicsHandler,
  deleteTopicsHandler,
  initProducerIdHandler,
  describeConfigsHandler,
  deleteGroupsHandler,
  describeClusterHandler,
]

/** Dense by key; made when first used, because handlers refer back to the table. */
let byKey: (TypedHandler | undefined)[] | undefined

function handlers(): (TypedHandler | undefined)[] {
  if (byKey !== undefined) return byKey
  byKey = []
  for (const handler of table()) byKey[handler.key] = handler
  return byKey
}

/**
 * The advertised versions. Produce is advertised from 0 and answered from 3, as Kafka 4 does, because
 * librdkafka before 2.11 compresses only where Produce 0 is offered (KAFKA-18659).
 */
export function offered(): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return table().map(({ key, minVersion, maxVersion }) => ({
    apiKey: key,
    minVersion: key === produce.key ? 0 : minVersion,
    maxVersion,
  }))
}

/** @throws ProtocolError for what is not offered or does not parse; it ends the session. */
export function dispatch(session: Session, header: RequestHeader, frame: Buffer): void {
  const handler = handlers()[header.apiKey]
  if (handler === undefined) {
    throw new ProtocolError('UNSUPPORTED_API', 0, `API ${header.apiKey} is not offered`)
  }
  const { apiVersion } = header
  if (apiVersion < handler.minVersion || apiVersion > handler.maxVersion) {
    throw new ProtocolError(
      'UNSUPPORTED_VERSION',
      2,
      `${handler.name} version ${apiVersion} is not offered: ${handler.minVersion} to ${handler.maxVersion} are`,
    )
  }
  handler.handle(session, header, frame)
}

/** The answer to an ApiVersions request in a version that is not spoken. */
export function apiVersionsFallback(correlationId: number): Buffer[] {
  const w = new Writer(256)
  w.int32(0)
  w.raw(responseHeaderBytes(apiVersions.key, 0, correlationId))
  apiVersions.encodeResponse(w, 0, apiVersionsOfTheFuture())
  const frame = w.finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return [frame]
}
