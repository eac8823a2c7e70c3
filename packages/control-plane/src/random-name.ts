const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Letters and digits that are easy to copy; with 12 of them no two ever meet by chance in one installation. */
export function randomName(characters: number, random: () => number): string {
  return Array.from({ length: characters }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
}
