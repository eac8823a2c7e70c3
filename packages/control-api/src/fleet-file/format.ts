// The canonical text of a fleet: what `braid export` writes. Reading it gives the same fleet, and writing that the same text.
import { stringify } from 'yaml'
import { z } from 'zod'
import { type Fleet, type FleetInput, fleet as fleetSchema } from '../resources/fleet.ts'
import { formatBytesPerSecond, formatDurationMs } from './quantities.ts'
import { quantityKeys } from './scalars.ts'

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly default?: unknown
}

let inputSchema: JsonSchema | undefined

/** Sorted by name, without what is the default, with units. One blank line between sections. */
export function formatFleet(fleet: FleetInput): string {
  inputSchema ??= z.toJSONSchema(fleetSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const short = shortened(canonicalFleet(fleet), inputSchema) as Record<string, unknown>
  return Object.entries(short)
    .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
    .map(([section, value]) => stringify({ [section]: value }, yamlOptions))
    .join('\n')
}

const yamlOptions = { lineWidth: 0, aliasDuplicateObjects: false } as const

/** The order of items says nothing, so everyone writes the same one. */
export function canonicalFleet(input: FleetInput): Fleet {
  const { clusters, slas, tenants, topics, ...rest } = fleetSchema.parse(input)
  return {
    ...rest,
    clusters: clusters.toSorted(byName),
    slas: slas.toSorted(byName),
    tenants: tenants.toSorted(byName),
    topics: topics.toSorted((a, b) => compare(a.tenant, b.tenant) || byName(a, b)),
  }
}

// By code units, which are the same everywhere; a locale's order is not.
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const byName = (a: { name: string }, b: { name: string }): number => compare(a.name, b.name)

/** Without what the schema would add by itself. Keys stand in the schema's order, the user's own ones by name. */
function shortened(value: unknown, schema: JsonSchema | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => shortened(item, schema?.items))
  if (typeof value !== 'object' || value === null) return value
  const all = value as Record<string, unknown>
  const { properties } = schema ?? {}
  if (properties === undefined) {
    return Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => compare(a, b)))
  }
  const entries: [string, unknown][] = []
  for (const [key, member] of Object.entries(properties)) {
    if (all[key] === undefined) continue
    const short = shortened(all[key], member)
    if (JSON.stringify(short) !== JSON.stringify(member.default)) entries.push([key, withUnit(key, short)])
  }
  // The tenant of a topic comes last in its schema; people look for it beside the name.
  return Object.fromEntries(entries.toSorted(([a], [b]) => rank(a) - rank(b)))
}

const rank = (key: string): number => ({ name: 0, tenant: 1 })[key] ?? 2

function withUnit(key: string, value: unknown): unknown {
  if (typeof value !== 'number' || !Object.hasOwn(quantityKeys, key)) return value
  return quantityKeys[key] === 'rate' ? formatBytesPerSecond(value) : formatDurationMs(value)
}
