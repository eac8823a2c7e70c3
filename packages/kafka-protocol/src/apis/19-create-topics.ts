import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, arrayOf, bool, int8, int16, int32, string, uuid } from '../schema/fields.ts'
import { ZERO_UUID } from '../uuid.ts'

export const createTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  versions: '2-7',
  flexible: '5+',
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array(
        {
          partitionIndex: int32(),
          brokerIds: arrayOf('int32'),
        },
        { default: [] },
      ),
      configs: array(
        {
          name: string(),
          value: string({ nullable: '0+' }),
        },
        { default: [] },
      ),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      topicId: uuid({ versions: '7+', default: ZERO_UUID }),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
      topicConfigErrorCode: int16({ versions: '5+', tag: 0, default: 0 }),
      numPartitions: int32({ versions: '5+', default: -1 }),
      replicationFactor: int16({ versions: '5+', default: -1 }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: '0+' }),
          readOnly: bool(),
          configSource: int8({ default: -1 }),
          isSensitive: bool(),
        },
        { versions: '5+', nullable: '0+', default: [] },
      ),
    }),
  },
})

export type CreateTopicsRequest = RequestOf<typeof createTopics>
export type CreateTopicsRequestInput = RequestInputOf<typeof createTopics>
export type CreateTopicsResponse = ResponseOf<typeof createTopics>
export type CreateTopicsResponseInput = ResponseInputOf<typeof createTopics>
