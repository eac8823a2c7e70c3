import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, int16, int32, int64, string } from '../schema/fields.ts'

const replicas = {
  replicaId: int32(),
  logEndOffset: int64(),
  lastFetchTimestamp: int64({ versions: '1+', default: -1n }),
  lastCaughtUpTimestamp: int64({ versions: '1+', default: -1n }),
}

/** Only brokers of a KRaft cluster offer it (KIP-595, KIP-836). Times are by the clock of the active controller. */
export const describeQuorum = defineApi({
  key: 55,
  name: 'DescribeQuorum',
  versions: '0-1',
  flexible: '0+',
  request: {
    topics: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32() }),
    }),
  },
  response: {
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicas),
        observers: array(replicas),
      }),
    }),
  },
})

export type DescribeQuorumRequest = RequestOf<typeof describeQuorum>
export type DescribeQuorumRequestInput = RequestInputOf<typeof describeQuorum>
export type DescribeQuorumResponse = ResponseOf<typeof describeQuorum>
export type DescribeQuorumResponseInput = ResponseInputOf<typeof describeQuorum>
