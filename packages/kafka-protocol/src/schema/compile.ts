/**
 * Turns a definition into code: for each struct and version a straight line of calls on Reader or Writer, and one object
 * literal with every field, so that all versions of a message have one hidden class. Walking the definition on each
 * message instead takes two to four times as long (measured), and every request passes here.
 *
 * The source is made from definitions in this package alone. Names are checked; no input from outside gets in.
 */
import { ProtocolError } from '../protocol-error.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import type { Field, Fields, FieldType, Primitive } from './fields.ts'
import { hasVersion } from './versions.ts'

export type Decoder = (r: Reader) => unknown
export type Encoder = (w: Writer, message: unknown) => void

interface Unit {
  readonly version: number
  readonly flexible: boolean
  /** Functions, one a struct. */
  readonly functions: string[]
  /** Values that the code refers to as d[i]. */
  readonly constants: unknown[]
}

/** How Reader and Writer call a type. */
function method(kind: Primitive, flexible: boolean, nullable: boolean): string {
  switch (kind) {
    case 'bool':
      return 'boolean'
    case 'string':
      return flexible
        ? nullable
          ? 'compactNullableString'
          : 'compactString'
        : nullable
          ? 'nullableString'
          : 'string'
    case 'bytes':
    case 'records':
      return flexible
        ? nullable
          ? 'compactNullableBytes'
          : 'compactBytes'
        : nullable
          ? 'nullableBytes'
          : 'bytes'
    default:
      return kind
  }
}

const isTagged = (field: Field, unit: Unit): boolean => field.tag !== undefined && unit.flexible
const lengthMethod = (unit: Unit): string => (unit.flexible ? 'compactArrayLength' : 'arrayLength')

function checkName(name: string): string {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) throw new Error(`not a field name: ${name}`)
  return name
}

/** An expression for the field's default; arrays are fresh each time, since whoever decodes may add to them. */
function defaultOf(field: Field, unit: Unit): string {
  const value = field.default
  if (Array.isArray(value)) return '[]'
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return JSON.stringify(value)
  return `d[${unit.constants.push(value) - 1}]`
}

function link(unit: Unit, entry: string, title: string): unknown {
  const source = `'use strict'\n${unit.functions.join('\n')}\nreturn ${entry}\n//# sourceURL=kafka-protocol/${title}.js`
  return new Function('d', 'ProtocolError', 'fail', source)(unit.constants, ProtocolError, refuseNull)
}

function refuseNull(w: Writer, name: string): never {
  throw new ProtocolError('BAD_NULL', w.length, `${name} cannot be null in this version`)
}

// ---- decoding

export function compileDecoder(fields: Fields, version: number, flexible: boolean, title: string): Decoder {
  const unit: Unit = { version, flexible, functions: [], constants: [] }
  return link(unit, structDecoder(fields, unit), title) as Decoder
}

function structDecoder(fields: Fields, unit: Unit): string {
  const lines: string[] = []
  const tags: string[] = []
  const properties: string[] = []
  for (const [name, field] of Object.entries(fields)) {
    checkName(name)
    properties.push(name)
    if (!hasVersion(field.versions, unit.version) || (field.tag !== undefined && !unit.flexible)) {
      lines.push(`const ${name} = ${defaultOf(field, unit)}`)
    } else if (isTagged(field, unit)) {
      lines.push(`let ${name} = ${defaultOf(field, unit)}`)
      tags.push(`case ${field.tag}: { ${decodeInto(name, field, unit)}; break }`)
    } else {
      lines.push(`let ${decodeInto(name, field, unit)}`)
    }
  }
  if (unit.flexible) {
    if (tags.length === 0) lines.push('r.skipTags()')
    else {
      lines.push(
        'for (let left = r.unsignedVarint(); left > 0; left--) {',
        'const tag = r.unsignedVarint(), end = r.tagEnd()',
        `switch (tag) { ${tags.join('\n')} default: r.skip(end - r.offset) }`,
        'r.endTag(end)',
        '}',
      )
    }
  }
  const name = `decode${unit.functions.length}`
  unit.functions.push(`function ${name}(r) {\n${lines.join('\n')}\nreturn { ${properties.join(', ')} }\n}`)
  return name
}

/** Statements that assign to `target`, which the caller declares when it puts `let` in front. */
function decodeInto(target: string, field: Field, unit: Unit): string {
  const nullable = hasVersion(field.nullable, unit.version)
  const { type } = field
  if (type.kind !== 'array') return `${target} = ${decodeExpression(type, nullable, unit)}`
  return `${target} = ${arrayDecoder(type.of, nullable, unit)}(r)`
}

function decodeExpression(type: FieldType, nullable: boolean, unit: Unit): string {
  if (type.kind === 'struct') return `${structDecoder(type.fields, unit)}(r)`
  if (type.kind === 'array') throw new Error('an array of arrays has no use here')
  return `r.${method(type.kind, unit.flexible, nullable)}()`
}

function arrayDecoder(element: FieldType, nullable: boolean, unit: Unit): string {
  const read = decodeExpression(element, false, unit)
  const name = `decode${unit.functions.length}`
  const whenNull = nullable
    ? 'return null'
    : `throw new ProtocolError('BAD_NULL', r.offset, 'null where an array must be')`
  unit.functions.push(`function ${name}(r) {
let left = r.${lengthMethod(unit)}()
if (left === -1) ${whenNull}
r.spendElements(left)
const a = []
for (; left > 0; left--) a.push(${read})
return a
}`)
  return name
}

// ---- encoding

export function compileEncoder(fields: Fields, version: number, flexible: boolean, title: string): Encoder {
  const unit: Unit = { version, flexible, functions: [], constants: [] }
  return link(unit, structEncoder(fields, unit), title) as Encoder
}

function structEncoder(fields: Fields, unit: Unit): string {
  const lines: string[] = []
  const tagged: [string, Field][] = []
  for (const [name, field] of Object.entries(fields)) {
    checkName(name)
    if (!hasVersion(field.versions, unit.version)) continue
    if (field.tag !== undefined) {
      if (unit.flexible) tagged.push([name, field])
      continue
    }
    lines.push(loadField(name, field, unit), encodeValue(name, field, unit))
  }
  if (unit.flexible) lines.push(...encodeTags(tagged, unit))
  const name = `encode${unit.functions.length}`
  unit.functions.push(`function ${name}(w, m) {\n${lines.join('\n')}\n}`)
  return name
}

function loadField(name: string, field: Field, unit: Unit): string {
  return `let ${name} = m.${name}; if (${name} === undefined) ${name} = ${defaultOf(field, unit)}`
}

/** A tagged field that has its default is not sent. */
function encodeTags(tagged: readonly (readonly [string, Field])[], unit: Unit): string[] {
  if (tagged.length === 0) return ['w.skipTags()']
  const lines: string[] = []
  const present: string[] = []
  for (const [name, field] of tagged) {
    lines.push(loadField(name, field, unit), `const has_${name} = ${differsFromDefault(name, field, unit)}`)
    present.push(`(has_${name} ? 1 : 0)`)
  }
  lines.push(`w.unsignedVarint(${present.join(' + ')})`)
  for (const [name, field] of [...tagged].sort((a, b) => a[1].tag! - b[1].tag!)) {
    lines.push(
      `if (has_${name}) { const mark = w.beginTag(${field.tag}); ${encodeValue(name, field, unit)}; w.endTag(mark) }`,
    )
  }
  return lines
}

function differsFromDefault(value: string, field: Field, unit: Unit): string {
  if (field.type.kind === 'array') return `(${value} === null || ${value}.length > 0)`
  if (field.type.kind !== 'struct') return `${value} !== ${defaultOf(field, unit)}`
  const parts = Object.entries(field.type.fields).map(([name, inner]) => {
    const path = `${value}.${name}`
    return `(${path} !== undefined && ${differsFromDefault(path, inner, unit)})`
  })
  return `(${parts.join(' || ')})`
}

function encodeValue(value: string, field: Field, unit: Unit): string {
  const nullable = hasVersion(field.nullable, unit.version)
  const { type } = field
  if (type.kind === 'array') {
    const whenNull = nullable ? `w.${lengthMethod(unit)}(-1)` : `fail(w, '${value}')`
    const write = encodeElement(type.of, unit)
    return `if (${value} === null) ${whenNull}
else { w.${lengthMethod(unit)}(${value}.length); for (let i = 0; i < ${value}.length; i++) { ${write(`${value}[i]`)} } }`
  }
  if (type.kind === 'struct') return `${structEncoder(type.fields, unit)}(w, ${value})`
  const write = `w.${method(type.kind, unit.flexible, nullable)}(${value})`
  const mayBeNull = field.default === null || field.nullable.to >= field.nullable.from
  return mayBeNull && !nullable ? `if (${value} === null) fail(w, '${value}'); ${write}` : write
}

function encodeElement(type: FieldType, unit: Unit): (value: string) => string {
  if (type.kind === 'array') throw new Error('an array of arrays has no use here')
  if (type.kind === 'struct') {
    const encode = structEncoder(type.fields, unit)
    return (value) => `${encode}(w, ${value})`
  }
  const name = method(type.kind, unit.flexible, false)
  return (value) => `w.${name}(${value})`
}
