/**
 * Our definitions against Kafka's own: the message definitions inside the kafka-clients jar, of both ends of the range of
 * brokers that we are tested with. Nothing of the jar is kept here; it is read when the test runs.
 */
import {
  type AnyApi,
  apis,
  type Field,
  type Fields,
  type FieldType,
  hasVersion,
  ZERO_UUID,
} from '@braid/kafka-protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { kafkaClientsJar } from '../clusters/kafka-jars.ts'
import { jarEntries } from './jar-entries.ts'

/** What Kafka's message definitions say of a field, as far as it concerns bytes. */
interface KafkaField {
  readonly name: string
  readonly type: string
  readonly versions?: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly flexibleVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean
  readonly fields?: readonly KafkaField[]
}

interface KafkaStruct {
  readonly name: string
  readonly fields: readonly KafkaField[]
}

interface KafkaMessage extends KafkaStruct {
  readonly apiKey: number
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly commonStructs?: readonly KafkaStruct[]
}

type Half = 'request' | 'response'

/**
 * Versions that we define and one of the brokers does not have. They are negotiated away there; they must be in the other
 * one's jar.
 */
const NEWER_THAN: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '3.9.2': { Produce: 12 },
  '4.3.1': {},
}

const JARS_TIMEOUT_MS = 600_000

function readDefinitions(jar: string): Map<string, KafkaMessage> {
  const messages = new Map<string, KafkaMessage>()
  for (const text of jarEntries(jar, (name) => /^common\/message\/\w+\.json$/.test(name)).values()) {
    const withoutComments = text.replace(/^\s*\/\/.*$/gm, '').replace(/([,[\]{}])\s*\/\/.*$/gm, '$1')
    const message = JSON.parse(withoutComments) as KafkaMessage
    messages.set(message.name, message)
  }
  return messages
}

/** `0-12`, `3+`, `4`, `none` */
function includes(range: string | undefined, version: number): boolean {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(range ?? 'none')
  if (match === null) return false
  const from = Number(match[1])
  const to = match[2] === '+' ? Number.POSITIVE_INFINITY : Number(match[3] ?? from)
  return version >= from && version <= to
}

const camelCase = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

// ---- both sides become the same lines of text, one a field, for one version

function kafkaLines(
  fields: readonly KafkaField[],
  message: KafkaMessage,
  version: number,
  path: string,
): string[] {
  const flexible = includes(message.flexibleVersions, version)
  return fields
    .filter((field) => includes(field.versions ?? '0+', version))
    .flatMap((field) => {
      const array = field.type.startsWith('[]')
      const base = array ? field.type.slice(2) : field.type
      const common = message.commonStructs?.find(({ name }) => name === base)
      const inner = field.fields ?? common?.fields
      const tagged = includes(field.taggedVersions, version)
      expect(field.flexibleVersions, `${field.name} has encoding rules of its own`).toBeUndefined()
      const here = `${path}.${camelCase(field.name)}`
      const line = describeField(here, {
        type: `${array ? '[]' : ''}${inner === undefined ? base : 'struct'}`,
        nullable: includes(field.nullableVersions, version),
        tag: tagged && flexible ? field.tag : undefined,
        default:
          field.default === undefined || array || inner !== undefined
            ? undefined
            : kafkaDefault(base, field.default),
      })
      return [line, ...(inner === undefined ? [] : kafkaLines(inner, message, version, here))]
    })
}

function kafkaDefault(type: string, value: string | number | boolean): string {
  if (value === 'null' || type === 'string') return String(value)
  return type === 'bool' ? String(value) : BigInt(value).toString()
}

function ourLines(
  fields: Fields,
  api: AnyApi,
  version: number,
  path: string,
  stated: ReadonlySet<string>,
): string[] {
  const flexible = version >= api.flexibleVersion
  return Object.entries(fields)
    .filter(([, field]) => hasVersion(field.versions, version))
    .flatMap(([name, field]) => {
      const here = `${path}.${name}`
      const inner = innerFields(field.type)
      const line = describeField(here, {
        type: typeName(field.type),
        nullable: hasVersion(field.nullable, version),
        tag: flexible ? field.tag : undefined,
        default: stated.has(here) ? ourDefault(field) : undefined,
      })
      return [line, ...(inner === undefined ? [] : ourLines(inner, api, version, here, stated))]
    })
}

const typeName = (type: FieldType): string => (type.kind === 'array' ? `[]${typeName(type.of)}` : type.kind)

function innerFields(type: FieldType): Fields | undefined {
  if (type.kind === 'array') return innerFields(type.of)
  return type.kind === 'struct' ? type.fields : undefined
}

const ourDefault = (field: Field): string => (field.default === ZERO_UUID ? '' : String(field.default))

interface Described {
  readonly type: string
  readonly nullable: boolean
  readonly tag: number | undefined
  readonly default: string | undefined
}

function describeField(path: string, { type, nullable, tag, default: value }: Described): string {
  const words = [path, type]
  if (nullable) words.push('nullable')
  if (tag !== undefined) words.push(`tag ${tag}`)
  if (value !== undefined) words.push(`default "${value}"`)
  return words.join(' ')
}

/** Where Kafka states a default. Where it does not, ours is for convenience and never reaches the wire. */
const pathsWithDefault = (lines: readonly string[]): Set<string> =>
  new Set(lines.filter((line) => line.includes(' default "')).map((line) => line.split(' ')[0]!))

describe.each(['3.9.2', '4.3.1'] as const)('the definitions of Kafka %s', (kafkaVersion) => {
  let definitions = new Map<string, KafkaMessage>()
  beforeAll(async () => {
    definitions = readDefinitions(await kafkaClientsJar(kafkaVersion))
  }, JARS_TIMEOUT_MS)

  const messageOf = (api: AnyApi, half: Half): KafkaMessage => {
    const name = `${api.name}${half === 'request' ? 'Request' : 'Response'}`
    const message = definitions.get(name)
    if (message === undefined) throw new Error(`Kafka ${kafkaVersion} has no ${name}`)
    return message
  }
  const newest = (api: AnyApi): number =>
    Math.min(api.maxVersion, (NEWER_THAN[kafkaVersion]?.[api.name] ?? api.maxVersion + 1) - 1)

  test.each([...apis.values()].map((api) => [api.name, api] as const))('%s', (_, api) => {
    for (const half of ['request', 'response'] as const) {
      const message = messageOf(api, half)
      expect(message.apiKey).toBe(api.key)
      for (let version = api.minVersion; version <= newest(api); version++) {
        const title = `${message.name}-v${version}`
        expect(includes(message.validVersions, version), `${title} exists`).toBe(true)
        expect(version >= api.flexibleVersion, `${title} is flexible`).toBe(
          includes(message.flexibleVersions, version),
        )
        const theirs = kafkaLines(message.fields, message, version, title)
        const ours = ourLines(api[half], api, version, title, pathsWithDefault(theirs))
        expect(ours).toEqual(theirs)
      }
    }
  })

  test('versions that it lacks are those that we know of', () => {
    for (const api of apis.values()) {
      const { validVersions } = messageOf(api, 'request')
      if (newest(api) < api.maxVersion) expect(includes(validVersions, newest(api) + 1), api.name).toBe(false)
    }
  })
})
