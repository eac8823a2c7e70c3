import { InvalidArgumentError } from 'commander'

/** For commander: an integer within bounds, or the reason why not. */
export const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`)
    }
    return value
  }

/** For commander: repeated `--config name=value`. */
export function keyValue(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('It is written name=value.')
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}
