import { randomName } from '../random-name.ts'

/** Leaves room for a suffix in the 249 characters that Kafka allows. */
const logicalCharactersMax = 200
const suffixCharacters = 12

/** A name that no physical topic has had: what was sealed is never written again, so none is used twice. */
export function freshPhysicalName(topic: string, random: () => number): string {
  return `${topic.slice(0, logicalCharactersMax)}.${randomName(suffixCharacters, random)}`
}
