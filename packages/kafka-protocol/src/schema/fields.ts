/**
 * The words in which an API is defined. A definition is data (what tests compare with Kafka's own definitions and what
 * compile.ts makes code of) whose TypeScript types are inferred from it, so that nothing is said twice.
 *
 * In what is decoded every field is there: one that its version lacks has its default. In what is encoded a field with
 * a stated default may be left out, and one that the version lacks is ignored.
 */
import { ZERO_UUID } from '../uuid.ts'
import { ALL_VERSIONS, NO_VERSION, parseVersions, type Versions, type VersionsText } from './versions.ts'

export type Primitive =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'

export type FieldType =
  | { readonly kind: Primitive }
  | { readonly kind: 'struct'; readonly fields: Fields }
  | { readonly kind: 'array'; readonly of: FieldType }

declare const decoded: unique symbol
declare const encodable: unique symbol
declare const omittable: unique symbol

/** `T` is what decoding gives, `I` what encoding takes, `O` whether encoding may go without it. */
export interface Field<T = unknown, I = unknown, O extends boolean = boolean> {
  readonly type: FieldType
  readonly versions: Versions
  readonly nullable: Versions
  /** Set for a tagged field of flexible versions. */
  readonly tag: number | undefined
  readonly default: unknown
  readonly [decoded]?: T
  readonly [encodable]?: I
  readonly [omittable]?: O
}

/** In wire order. */
export interface Fields {
  readonly [name: string]: Field
}

type DecodedField<F> = F extends Field<infer T, infer _I, infer _O> ? T : never
type EncodableField<F> = F extends Field<infer _T, infer I, infer _O> ? I : never
type OmittableNames<F> = { [K in keyof F]: F[K] extends Field<infer _T, infer _I, true> ? K : never }[keyof F]

export type Decoded<F> = { -readonly [K in keyof F]: DecodedField<F[K]> }
export type Encodable<F> = {
  readonly [K in Exclude<keyof F, OmittableNames<F>>]: EncodableField<F[K]>
} & { readonly [K in OmittableNames<F>]?: EncodableField<F[K]> }

export interface FieldOptions<T> {
  /** All versions of the API when absent. */
  readonly versions?: VersionsText
  readonly nullable?: VersionsText
  readonly tag?: number
  /** Makes the field one that may be left out when encoding. */
  readonly default?: T | null
}

type OrNull<T, O> = O extends { readonly nullable: string } ? T | null : T
type HasDefault<O> = O extends { readonly default: unknown } ? true : false
type FieldOf<T, I, O> = Field<OrNull<T, O>, OrNull<I, O>, HasDefault<O>>

function field<T, O>(type: FieldType, natural: unknown, options: FieldOptions<T> & O): FieldOf<T, T, O> {
  return {
    type,
    versions: options.versions === undefined ? ALL_VERSIONS : parseVersions(options.versions),
    nullable: options.nullable === undefined ? NO_VERSION : parseVersions(options.nullable),
    tag: options.tag,
    default: options.default === undefined ? natural : options.default,
  }
}

type Definer<T> = {
  (): Field<T, T, false>
  <const O extends FieldOptions<T>>(options: O): FieldOf<T, T, O>
}

const primitive =
  <T>(kind: Primitive, natural: T): Definer<T> =>
  (options: FieldOptions<T> = {}) =>
    field<T, FieldOptions<T>>({ kind }, natural, options) as Field<T, T, false>

const EMPTY = Buffer.alloc(0)

export const bool = primitive<boolean>('bool', false)
export const int8 = primitive<number>('int8', 0)
export const int16 = primitive<number>('int16', 0)
export const int32 = primitive<number>('int32', 0)
export const int64 = primitive<bigint>('int64', 0n)
export const float64 = primitive<number>('float64', 0)
export const string = primitive<string>('string', '')
/** Canonical text, lower case, with dashes. */
export const uuid = primitive<string>('uuid', ZERO_UUID)
/** A slice of what was read. */
export const bytes = primitive<Buffer>('bytes', EMPTY)
/** Record batches, not looked into: a slice of what was read. */
export const records = primitive<Buffer>('records', EMPTY)

interface PrimitiveTypes {
  bool: boolean
  int8: number
  int16: number
  int32: number
  int64: bigint
  float64: number
  string: string
  uuid: string
  bytes: Buffer
  records: Buffer
}

type ArrayOptions = FieldOptions<readonly never[]>

export function arrayOf<const K extends Primitive, const O extends ArrayOptions = Record<never, never>>(
  kind: K,
  options?: O,
): FieldOf<PrimitiveTypes[K][], readonly PrimitiveTypes[K][], O> {
  return field({ kind: 'array', of: { kind } }, [], options ?? {}) as never
}

export function array<const F extends Fields, const O extends ArrayOptions = Record<never, never>>(
  fields: F,
  options?: O,
): FieldOf<Decoded<F>[], readonly Encodable<F>[], O> {
  return field({ kind: 'array', of: { kind: 'struct', fields } }, [], options ?? {}) as never
}

type StructOptions = Omit<FieldOptions<never>, 'default'>

/**
 * A struct outside of an array stands in tagged fields only, so it may always be left out. Where it is absent, decoding
 * gives one shared frozen object with its fields' defaults.
 */
export function struct<const F extends Fields>(
  fields: F,
  options: StructOptions,
): Field<Readonly<Decoded<F>>, Encodable<F>, true> {
  const defaults: Record<string, unknown> = {}
  for (const [name, { default: value }] of Object.entries(fields)) defaults[name] = value
  return {
    ...field<never, StructOptions>({ kind: 'struct', fields }, Object.freeze(defaults), options),
  } as never
}
