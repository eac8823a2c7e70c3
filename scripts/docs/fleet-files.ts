import { parseFleetFile } from '@braid/control-api'
import type { Violation } from '../violation.ts'
import type { CodeBlock } from './code-blocks.ts'

/** What begins as a fleet file must be one. */
export const isFleetFile = ({ language, code }: CodeBlock): boolean =>
  ['yaml', 'yml'].includes(language) && /^(#.*\n|\s*\n)*version: 1\b/.test(code)

/** Complete ones: clusters, classes and tenants that they refer to are in them. */
export function checkFleetFile({ path, line, code }: CodeBlock): Violation[] {
  const nothing = { cluster: new Set<string>(), sla: new Set<string>(), tenant: new Set<string>() }
  return parseFleetFile(code, { known: nothing }).problems.map((problem) => ({
    path,
    line: line + problem.line - 1,
    message: `fleet file: ${problem.message}`,
  }))
}
