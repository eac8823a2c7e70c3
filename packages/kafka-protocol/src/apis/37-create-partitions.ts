import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, arrayOf, bool, int16, int32, string } from '../schema/fields.ts'

export const createPartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array(
        {
          brokerIds: arrayOf('int32'),
        },
        { nullable: '0+', default: null },
      ),
    }),
    timeoutMs: int32(),
    validateOnly: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
})

export type CreatePartitionsRequest = RequestOf<typeof createPartitions>
export type CreatePartitionsRequestInput = RequestInputOf<typeof createPartitions>
export type CreatePartitionsResponse = ResponseOf<typeof createPartitions>
export type CreatePartitionsResponseInput = ResponseInputOf<typeof createPartitions>
