import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../schema/api.ts'
import { array, bool, int16, int32, int64, string } from '../schema/fields.ts'

export const apiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  request: {
    clientSoftwareName: string({ versions: '3+', default: '' }),
    clientSoftwareVersion: string({ versions: '3+', default: '' }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32({ versions: '1+', default: 0 }),
    supportedFeatures: array(
      {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      },
      { versions: '3+', tag: 0, default: [] },
    ),
    finalizedFeaturesEpoch: int64({ versions: '3+', tag: 1, default: -1n }),
    finalizedFeatures: array(
      {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      },
      { versions: '3+', tag: 2, default: [] },
    ),
    zkMigrationReady: bool({ versions: '3+', tag: 3, default: false }),
  },
})

export type ApiVersionsRequest = RequestOf<typeof apiVersions>
export type ApiVersionsRequestInput = RequestInputOf<typeof apiVersions>
export type ApiVersionsResponse = ResponseOf<typeof apiVersions>
export type ApiVersionsResponseInput = ResponseInputOf<typeof apiVersions>
