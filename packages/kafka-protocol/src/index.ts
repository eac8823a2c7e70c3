export {
  type ProduceRequest,
  type ProduceRequestInput,
  type ProduceResponse,
  type ProduceResponseInput,
  produce,
} from './apis/00-produce.ts'
export {
  type FetchRequest,
  type FetchRequestInput,
  type FetchResponse,
  type FetchResponseInput,
  fetch,
} from './apis/01-fetch.ts'
export {
  type ListOffsetsRequest,
  type ListOffsetsRequestInput,
  type ListOffsetsResponse,
  type ListOffsetsResponseInput,
  listOffsets,
} from './apis/02-list-offsets.ts'
export {
  type MetadataRequest,
  type MetadataRequestInput,
  type MetadataResponse,
  type MetadataResponseInput,
  metadata,
} from './apis/03-metadata.ts'
export {
  type OffsetCommitRequest,
  type OffsetCommitRequestInput,
  type OffsetCommitResponse,
  type OffsetCommitResponseInput,
  offsetCommit,
} from './apis/08-offset-commit.ts'
export {
  type OffsetFetchRequest,
  type OffsetFetchRequestInput,
  type OffsetFetchResponse,
  type OffsetFetchResponseInput,
  offsetFetch,
} from './apis/09-offset-fetch.ts'
export {
  type FindCoordinatorRequest,
  type FindCoordinatorRequestInput,
  type FindCoordinatorResponse,
  type FindCoordinatorResponseInput,
  findCoordinator,
} from './apis/10-find-coordinator.ts'
export {
  type JoinGroupRequest,
  type JoinGroupRequestInput,
  type JoinGroupResponse,
  type JoinGroupResponseInput,
  joinGroup,
} from './apis/11-join-group.ts'
export {
  type HeartbeatRequest,
  type HeartbeatRequestInput,
  type HeartbeatResponse,
  type HeartbeatResponseInput,
  heartbeat,
} from './apis/12-heartbeat.ts'
export {
  type LeaveGroupRequest,
  type LeaveGroupRequestInput,
  type LeaveGroupResponse,
  type LeaveGroupResponseInput,
  leaveGroup,
} from './apis/13-leave-group.ts'
export {
  type SyncGroupRequest,
  type SyncGroupRequestInput,
  type SyncGroupResponse,
  type SyncGroupResponseInput,
  syncGroup,
} from './apis/14-sync-group.ts'
export {
  type DescribeGroupsRequest,
  type DescribeGroupsRequestInput,
  type DescribeGroupsResponse,
  type DescribeGroupsResponseInput,
  describeGroups,
} from './apis/15-describe-groups.ts'
export {
  type ListGroupsRequest,
  type ListGroupsRequestInput,
  type ListGroupsResponse,
  type ListGroupsResponseInput,
  listGroups,
} from './apis/16-list-groups.ts'
export {
  type SaslHandshakeRequest,
  type SaslHandshakeRequestInput,
  type SaslHandshakeResponse,
  type SaslHandshakeResponseInput,
  saslHandshake,
} from './apis/17-sasl-handshake.ts'
export {
  type ApiVersionsRequest,
  type ApiVersionsRequestInput,
  type ApiVersionsResponse,
  type ApiVersionsResponseInput,
  apiVersions,
} from './apis/18-api-versions.ts'
export {
  type CreateTopicsRequest,
  type CreateTopicsRequestInput,
  type CreateTopicsResponse,
  type CreateTopicsResponseInput,
  createTopics,
} from './apis/19-create-topics.ts'
export {
  type DeleteTopicsRequest,
  type DeleteTopicsRequestInput,
  type DeleteTopicsResponse,
  type DeleteTopicsResponseInput,
  deleteTopics,
} from './apis/20-delete-topics.ts'
export {
  type DeleteRecordsRequest,
  type DeleteRecordsRequestInput,
  type DeleteRecordsResponse,
  type DeleteRecordsResponseInput,
  deleteRecords,
} from './apis/21-delete-records.ts'
export {
  type InitProducerIdRequest,
  type InitProducerIdRequestInput,
  type InitProducerIdResponse,
  type InitProducerIdResponseInput,
  initProducerId,
} from './apis/22-init-producer-id.ts'
export {
  type DescribeConfigsRequest,
  type DescribeConfigsRequestInput,
  type DescribeConfigsResponse,
  type DescribeConfigsResponseInput,
  describeConfigs,
} from './apis/32-describe-configs.ts'
export {
  type SaslAuthenticateRequest,
  type SaslAuthenticateRequestInput,
  type SaslAuthenticateResponse,
  type SaslAuthenticateResponseInput,
  saslAuthenticate,
} from './apis/36-sasl-authenticate.ts'
export {
  type CreatePartitionsRequest,
  type CreatePartitionsRequestInput,
  type CreatePartitionsResponse,
  type CreatePartitionsResponseInput,
  createPartitions,
} from './apis/37-create-partitions.ts'
export {
  type DeleteGroupsRequest,
  type DeleteGroupsRequestInput,
  type DeleteGroupsResponse,
  type DeleteGroupsResponseInput,
  deleteGroups,
} from './apis/42-delete-groups.ts'
export {
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsRequestInput,
  type IncrementalAlterConfigsResponse,
  type IncrementalAlterConfigsResponseInput,
  incrementalAlterConfigs,
} from './apis/44-incremental-alter-configs.ts'
export {
  type OffsetDeleteRequest,
  type OffsetDeleteRequestInput,
  type OffsetDeleteResponse,
  type OffsetDeleteResponseInput,
  offsetDelete,
} from './apis/47-offset-delete.ts'
export {
  type DescribeQuorumRequest,
  type DescribeQuorumRequestInput,
  type DescribeQuorumResponse,
  type DescribeQuorumResponseInput,
  describeQuorum,
} from './apis/55-describe-quorum.ts'
export {
  type DescribeClusterRequest,
  type DescribeClusterRequestInput,
  type DescribeClusterResponse,
  type DescribeClusterResponseInput,
  describeCluster,
} from './apis/60-describe-cluster.ts'
export {
  type DescribeProducersRequest,
  type DescribeProducersRequestInput,
  type DescribeProducersResponse,
  type DescribeProducersResponseInput,
  describeProducers,
} from './apis/61-describe-producers.ts'
export { apis } from './apis/all.ts'
export { type ErrorName, errorCodes, errorName, errors, isRetriable, NO_ERROR } from './errors.ts'
export { type FrameMemory, FrameReader, type FrameReaderOptions } from './frame.ts'
export { type FailedRequest, ProtocolError, type ProtocolErrorCode } from './protocol-error.ts'
export { ELEMENTS_MAX, Reader } from './reader.ts'
export {
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  baseSequence,
  baseTimestamp,
  batchBytes,
  batchLength,
  checkBatch,
  compression,
  compressionNames,
  crc,
  isControl,
  isTransactional,
  lastOffsetDelta,
  magic,
  maxTimestamp,
  nextOffset,
  partitionLeaderEpoch,
  producerEpoch,
  producerId,
  recordCount,
  setBaseOffset,
  setPartitionLeaderEpoch,
  walkBatches,
} from './records/batch-header.ts'
export { corruptProbe } from './records/corrupt-probe.ts'
export { crc32c, crc32cAdvance, crc32cPatch } from './records/crc32c.ts'
export { type ProducerFields, patchProducer } from './records/patch-producer.ts'
export {
  type BatchInput,
  type DecodedBatch,
  type DecodedRecord,
  decodeBatch,
  encodeBatch,
  type RecordHeader,
  type RecordInput,
} from './records/record-batch.ts'
export {
  type RequestHeader,
  type ResponseHeader,
  readRequestHeader,
  readResponseHeader,
  responseHeaderBytes,
  writeRequestHeader,
  writeResponseHeader,
} from './request-header.ts'
export type { AnyApi, Api } from './schema/api.ts'
export type { Decoded, Encodable, Field, Fields, FieldType, Primitive } from './schema/fields.ts'
export { hasVersion, type Versions } from './schema/versions.ts'
export { ZERO_UUID } from './uuid.ts'
export { Writer } from './writer.ts'
