/** What of an API definition is needed to agree on a version. */
export interface ApiVersions {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}

// Stands in until @braid/kafka-protocol exports its own `Api`.
export interface Api<Q, A> extends ApiVersions {
  readonly flexibleVersion: number
  readonly __types?: (request: Q) => A
}
