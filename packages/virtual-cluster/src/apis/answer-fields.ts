import type { Writer } from '@braid/kafka-protocol'

/** An array's or a byte string's length as the version writes it; -1 is null. */
export function writeLength(w: Writer, flexible: boolean, length: number): void {
  if (flexible) w.unsignedVarint(length + 1)
  else w.int32(length)
}

/** Partitions grouped by topic, in the order of the request. */
export function byTopic<Part extends { readonly topicName: string }>(
  parts: readonly Part[],
): readonly (readonly Part[])[] {
  if (parts.length === 1) return [parts]
  const topics: Part[][] = []
  let current: Part[] | undefined
  for (const part of parts) {
    if (current === undefined || current[0]!.topicName !== part.topicName) {
      current = []
      topics.push(current)
    }
    current.push(part)
  }
  return topics
}
