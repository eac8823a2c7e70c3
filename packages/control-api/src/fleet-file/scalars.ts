// What people may write in a fleet file where the API has numbers or texts: units, and values without quotes.
import { isMap, isScalar, isSeq, type Scalar } from 'yaml'
import { parseBytesPerSecond, parseDurationMs, type Quantity } from './quantities.ts'
import { keyOf, type YamlText } from './yaml-text.ts'

/** By the key: `bytesInPerSecond: 5MB/s`, `retentionMaxMs: 7d`. */
export const quantityKeys: Readonly<Record<string, 'rate' | 'duration'>> = {
  bytesInPerSecond: 'rate',
  bytesOutPerSecond: 'rate',
  bytesInPerSecondMax: 'rate',
  retentionMaxMs: 'duration',
}

/** Their keys and values are the user's own, and all text: `retention.ms: 3600000` needs no quotes. */
const textMaps: ReadonlySet<string> = new Set(['configs', 'labels'])

/** Replaces such scalars in place, and notes those that cannot be read. Nodes are in the text once: aliases are not followed. */
export function readScalars(text: YamlText): void {
  walk(text.root, text)
}

function walk(node: unknown, text: YamlText): void {
  if (isSeq(node)) for (const item of node.items) walk(item, text)
  if (!isMap(node)) return
  for (const { key, value } of node.items) {
    const name = keyOf(key)
    if (textMaps.has(name) && isMap(value)) {
      for (const entry of value.items) if (isScalar(entry.value)) asWritten(entry.value)
    } else if (Object.hasOwn(quantityKeys, name) && isScalar(value) && typeof value.value === 'string') {
      const quantity: Quantity =
        quantityKeys[name] === 'rate' ? parseBytesPerSecond(value.value) : parseDurationMs(value.value)
      if ('value' in quantity) value.value = quantity.value
      else text.addAtNode(value, `${name}: ${quantity.reason}`)
    } else walk(value, text)
  }
}

function asWritten(scalar: Scalar): void {
  if (
    typeof scalar.value === 'number' ||
    typeof scalar.value === 'boolean' ||
    typeof scalar.value === 'bigint'
  ) {
    scalar.value = scalar.source ?? String(scalar.value)
  }
}
