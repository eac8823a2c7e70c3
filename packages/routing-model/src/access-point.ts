import { CLUSTER_NUMBER_MAX } from './cluster.ts'

/** A place where clients connect: a proxy, with a listener for each cluster. */
export interface AccessPointRoute {
  readonly id: string
  /** Small and stable: it is part of the node ids that clients see. */
  readonly number: number
  /** cluster -> `host:port` of the listener that leads to it first. */
  readonly listeners: Readonly<Record<string, string>>
  /** `host:port` that leads to no cluster in particular. */
  readonly bootstrap: string
}

const NUMBERS_PER_ACCESS_POINT = CLUSTER_NUMBER_MAX + 1

/** Node ids are int32. */
export const ACCESS_POINT_NUMBER_MAX = Math.floor((2 ** 31 - 1) / NUMBERS_PER_ACCESS_POINT) - 1

/** The Kafka node id of a listener. Stable, so a client that knew it before a restart still knows it. */
export function nodeId(accessPointNumber: number, clusterNumber: number): number {
  return accessPointNumber * NUMBERS_PER_ACCESS_POINT + clusterNumber
}
