import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { arrayOf, int16, string } from '../schema/fields.ts'

export const saslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  // After version 0, tokens would follow without any Kafka header.
  versions: '1',
  flexible: 'none',
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: arrayOf('string'),
  },
})

export type SaslHandshakeRequest = RequestOf<typeof saslHandshake>
export type SaslHandshakeRequestInput = RequestInputOf<typeof saslHandshake>
export type SaslHandshakeResponse = ResponseOf<typeof saslHandshake>
export type SaslHandshakeResponseInput = ResponseInputOf<typeof saslHandshake>
