import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, arrayOf, int16, int32, string, uuid } from '../schema/fields.ts'
import { ZERO_UUID } from '../uuid.ts'

export const deleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  versions: '1-6',
  flexible: '4+',
  request: {
    topics: array(
      {
        name: string({ nullable: '0+', default: null }),
        topicId: uuid({ default: ZERO_UUID }),
      },
      { versions: '6+', default: [] },
    ),
    topicNames: arrayOf('string', { versions: '1-5', default: [] }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      name: string({ nullable: '6+' }),
      topicId: uuid({ versions: '6+', default: ZERO_UUID }),
      errorCode: int16(),
      errorMessage: string({ versions: '5+', nullable: '0+', default: null }),
    }),
  },
})

export type DeleteTopicsRequest = RequestOf<typeof deleteTopics>
export type DeleteTopicsRequestInput = RequestInputOf<typeof deleteTopics>
export type DeleteTopicsResponse = ResponseOf<typeof deleteTopics>
export type DeleteTopicsResponseInput = ResponseInputOf<typeof deleteTopics>
