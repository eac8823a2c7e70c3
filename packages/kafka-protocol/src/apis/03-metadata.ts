import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, arrayOf, bool, int16, int32, string, uuid } from '../schema/fields.ts'
import { ZERO_UUID } from '../uuid.ts'

export const metadata = defineApi({
  key: 3,
  name: 'Metadata',
  versions: '0-12',
  flexible: '9+',
  request: {
    topics: array(
      {
        topicId: uuid({ versions: '10+', default: ZERO_UUID }),
        name: string({ nullable: '10+' }),
      },
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool({ versions: '4+', default: true }),
    includeClusterAuthorizedOperations: bool({ versions: '8-10', default: false }),
    includeTopicAuthorizedOperations: bool({ versions: '8+', default: false }),
  },
  response: {
    throttleTimeMs: int32({ versions: '3+', default: 0 }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ versions: '1+', nullable: '0+', default: null }),
    }),
    clusterId: string({ versions: '2+', nullable: '0+', default: null }),
    controllerId: int32({ versions: '1+', default: -1 }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: '12+' }),
      topicId: uuid({ versions: '10+', default: ZERO_UUID }),
      isInternal: bool({ versions: '1+', default: false }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ versions: '7+', default: -1 }),
        replicaNodes: arrayOf('int32'),
        isrNodes: arrayOf('int32'),
        offlineReplicas: arrayOf('int32', { versions: '5+', default: [] }),
      }),
      topicAuthorizedOperations: int32({ versions: '8+', default: -2147483648 }),
    }),
    clusterAuthorizedOperations: int32({ versions: '8-10', default: -2147483648 }),
  },
})

export type MetadataRequest = RequestOf<typeof metadata>
export type MetadataRequestInput = RequestInputOf<typeof metadata>
export type MetadataResponse = ResponseOf<typeof metadata>
export type MetadataResponseInput = ResponseInputOf<typeof metadata>
