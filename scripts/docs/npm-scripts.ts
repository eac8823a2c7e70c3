import type { Violation } from '../violation.ts'
import type { ShellCommand } from './shell-commands.ts'

/** `npm test` and `npm run x` of the pages must be scripts of the repository's package.json. */
export function checkNpmScript(
  { path, line, words }: ShellCommand,
  scripts: Readonly<Record<string, string>>,
): Violation[] {
  if (words[0] !== 'npm') return []
  const [verb, name] = words.slice(1).filter((word) => !word.startsWith('-'))
  const script = verb === 'run' ? name : verb === 'test' ? 'test' : undefined
  if (script === undefined || script in scripts) return []
  return [{ path, line, message: `npm run ${script}: package.json has no such script` }]
}
