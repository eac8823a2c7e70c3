/** `?` as PostgreSQL has it: $1, $2, ... in the order of the values. What stands in quotes is left alone. */
export function numbered(sql: string): string {
  let count = 0
  return sql.replaceAll(/'(?:[^']|'')*'|"[^"]*"|\?/g, (found) => (found === '?' ? `$${++count}` : found))
}
