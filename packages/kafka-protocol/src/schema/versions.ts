/** A range of versions, as Kafka's message definitions write it: `3+`, `0-12`, `8`, `none`. */
export type VersionsText = `${number}+` | `${number}-${number}` | `${number}` | 'none'

export interface Versions {
  readonly from: number
  /** Inclusive; below `from` when there is none. */
  readonly to: number
}

export const NO_VERSION: Versions = { from: 0, to: -1 }
export const ALL_VERSIONS: Versions = { from: 0, to: 0x7fff }

export function parseVersions(text: VersionsText): Versions {
  if (text === 'none') return NO_VERSION
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new Error(`not a version range: ${text}`)
  const from = Number(match[1])
  if (match[2] !== undefined) return { from, to: ALL_VERSIONS.to }
  return { from, to: match[3] === undefined ? from : Number(match[3]) }
}

export function hasVersion(versions: Versions, version: number): boolean {
  return version >= versions.from && version <= versions.to
}
