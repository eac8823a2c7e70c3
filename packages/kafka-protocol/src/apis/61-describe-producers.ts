import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, arrayOf, int16, int32, int64, string } from '../schema/fields.ts'

export const describeProducers = defineApi({
  key: 61,
  name: 'DescribeProducers',
  versions: '0-0',
  flexible: '0+',
  request: {
    topics: array({
      name: string(),
      partitionIndexes: arrayOf('int32'),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1n }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1n }),
        }),
      }),
    }),
  },
})

export type DescribeProducersRequest = RequestOf<typeof describeProducers>
export type DescribeProducersRequestInput = RequestInputOf<typeof describeProducers>
export type DescribeProducersResponse = ResponseOf<typeof describeProducers>
export type DescribeProducersResponseInput = ResponseInputOf<typeof describeProducers>
