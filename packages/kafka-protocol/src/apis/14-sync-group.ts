import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, bytes, int16, int32, string } from '../schema/fields.ts'

export const syncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '0+', default: null }),
    protocolType: string({ versions: '5+', nullable: '0+', default: null }),
    protocolName: string({ versions: '5+', nullable: '0+', default: null }),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0 }),
    errorCode: int16(),
    protocolType: string({ versions: '5+', nullable: '0+', default: null }),
    protocolName: string({ versions: '5+', nullable: '0+', default: null }),
    assignment: bytes(),
  },
})

export type SyncGroupRequest = RequestOf<typeof syncGroup>
export type SyncGroupRequestInput = RequestInputOf<typeof syncGroup>
export type SyncGroupResponse = ResponseOf<typeof syncGroup>
export type SyncGroupResponseInput = ResponseInputOf<typeof syncGroup>
