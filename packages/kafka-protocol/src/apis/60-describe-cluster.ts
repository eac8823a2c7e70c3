import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, bool, int8, int16, int32, string } from '../schema/fields.ts'

export const describeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-1',
  flexible: '0+',
  request: {
    includeClusterAuthorizedOperations: bool({ default: false }),
    endpointType: int8({ versions: '1+', default: 1 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    endpointType: int8({ versions: '1+', default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: '0+', default: null }),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
})

export type DescribeClusterRequest = RequestOf<typeof describeCluster>
export type DescribeClusterRequestInput = RequestInputOf<typeof describeCluster>
export type DescribeClusterResponse = ResponseOf<typeof describeCluster>
export type DescribeClusterResponseInput = ResponseInputOf<typeof describeCluster>
