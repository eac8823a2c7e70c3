// Names in a fleet file that stand for something that is defined in it, or in the fleet already.
import type { Path } from './yaml-text.ts'

export type ReferenceKind = 'cluster' | 'sla' | 'tenant'

export interface Reference {
  readonly kind: ReferenceKind
  readonly name: string
  /** Whose it is, and as what: `cluster of topic "orders"`. */
  readonly where: string
  readonly path: Path
}

export type KnownNames = Readonly<Record<ReferenceKind, ReadonlySet<string>>>

export const kindTitles: Readonly<Record<ReferenceKind, string>> = {
  cluster: 'cluster',
  sla: 'SLA class',
  tenant: 'tenant',
}

/** The names that the file itself defines. */
export const namesIn = (fleet: unknown): KnownNames => ({
  cluster: new Set(itemsOf(fleet, 'clusters').map(({ item }) => textOf(item, 'name'))),
  sla: new Set(itemsOf(fleet, 'slas').map(({ item }) => textOf(item, 'name'))),
  tenant: new Set(itemsOf(fleet, 'tenants').map(({ item }) => textOf(item, 'name'))),
})

/** Every reference of the file, in its order. */
export function* referencesIn(fleet: unknown): Generator<Reference> {
  for (const { item, path } of itemsOf(fleet, 'clusters')) {
    yield* reference(item, path, 'tenant', 'dedicatedTo', `cluster ${quoted(item)}`)
  }
  for (const { item, path } of itemsOf(fleet, 'tenants')) {
    const owner = `tenant ${quoted(item)}`
    yield* reference(item, path, 'cluster', 'home', owner)
    yield* reference(item, path, 'cluster', 'standbyHome', owner)
    const policy = item.policy
    if (isObject(policy) && Array.isArray(policy.slas)) {
      for (const [index, name] of policy.slas.entries()) {
        const at = [...path, 'policy', 'slas', index]
        if (typeof name === 'string') yield { kind: 'sla', name, where: `policy.slas of ${owner}`, path: at }
      }
    }
  }
  for (const { item, path } of itemsOf(fleet, 'topics')) {
    const owner = `topic ${quoted(item)}`
    yield* reference(item, path, 'tenant', 'tenant', owner)
    yield* reference(item, path, 'sla', 'sla', owner)
    yield* reference(item, path, 'cluster', 'cluster', owner)
  }
}

function* reference(
  item: Record<string, unknown>,
  path: Path,
  kind: ReferenceKind,
  key: string,
  owner: string,
): Generator<Reference> {
  const name = item[key]
  if (typeof name === 'string') yield { kind, name, where: `${key} of ${owner}`, path: [...path, key] }
}

export interface Item {
  readonly item: Record<string, unknown>
  readonly path: Path
}

export function itemsOf(fleet: unknown, section: string): Item[] {
  const items = isObject(fleet) ? fleet[section] : undefined
  if (!Array.isArray(items)) return []
  return items.flatMap((item: unknown, index) => (isObject(item) ? [{ item, path: [section, index] }] : []))
}

export const textOf = (item: Record<string, unknown>, key: string): string =>
  typeof item[key] === 'string' ? item[key] : ''

export const quoted = (item: Record<string, unknown>): string => JSON.stringify(textOf(item, 'name'))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
