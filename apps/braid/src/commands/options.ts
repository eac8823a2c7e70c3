// For commander: what an option's text means, or the reason why it means nothing.
import { parseBytesPerSecond, parseDurationMs, type Quantity } from '@braid/control-api'
import { type Command, InvalidArgumentError } from 'commander'

/** A whole number within bounds. */
export const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,16}$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`)
    }
    return value
  }

export const fraction = (text: string): number => {
  const value = Number(text)
  if (!/^(0|1|0?\.\d{1,6}|1\.0+)$/.test(text)) throw new InvalidArgumentError('It is a number from 0 to 1.')
  return value
}

/** `none` takes a limit away. A word until it is used: commander would make an empty text of null. */
export const orNone =
  <T>(parse: (text: string) => T) =>
  (text: string): T | None =>
    text === 'none' ? 'none' : parse(text)

export type None = 'none'

export const limitOf = <T>(option: T | None): T | null => (option === 'none' ? null : option)

/** Repeated `--config name=value`. */
export function keyValue(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('It is written name=value.')
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}

/** Repeated: all of them. */
export const listOf =
  <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[] = []): T[] => [...before, parse(text)]

interface Schema {
  safeParse(
    value: unknown,
  ): { success: true } | { success: false; error: { issues: readonly { message: string }[] } }
}

/** A name that the API would take. Any other is refused here, before anything is asked. */
export const fits =
  (schema: Schema) =>
  (text: string): string => {
    const checked = schema.safeParse(text)
    if (!checked.success)
      throw new InvalidArgumentError(sentence(checked.error.issues[0]?.message ?? 'It does not fit'))
    return text
  }

export const rateOption = (text: string): number => valueIn(parseBytesPerSecond(text))
export const durationOption = (text: string): number => valueIn(parseDurationMs(text))

function valueIn(quantity: Quantity): number {
  if ('reason' in quantity) throw new InvalidArgumentError(sentence(quantity.reason))
  return quantity.value
}

const sentence = (text: string): string => `${text.replace(/^./, (first) => first.toUpperCase())}.`

export const withDryRun = (command: Command): Command =>
  command.option('--dry-run', 'say what would be done, and do nothing')

export const withYes = (command: Command): Command => command.option('-y, --yes', 'do not ask')
