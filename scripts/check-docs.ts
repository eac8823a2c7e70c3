// The code in README.md and docs/ must be true: TypeScript compiles, commands and their options exist,
// fleet files are ones that braid apply takes, and the table of problems is the program's.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeBlocksOf } from './docs/code-blocks.ts'
import { checkBraidCommand } from './docs/command-line.ts'
import { checkFleetFile, isFleetFile } from './docs/fleet-files.ts'
import { checkNpmScript } from './docs/npm-scripts.ts'
import { checkProblemTable } from './docs/problem-codes.ts'
import { shellCommandsOf } from './docs/shell-commands.ts'
import { checkTypeScriptBlocks } from './docs/typescript-blocks.ts'
import { report } from './violation.ts'
import { listFiles, readManifest, repositoryRoot } from './workspaces.ts'

const { scripts = {} } = readManifest(repositoryRoot)
const pages = listFiles().filter((path) => path.endsWith('.md'))
const blocks = pages.flatMap((path) => codeBlocksOf(path, readFileSync(join(repositoryRoot, path), 'utf8')))
const typescript = blocks.filter(({ language }) => ['ts', 'typescript'].includes(language))
const commands = blocks
  .filter(({ language }) => ['sh', 'bash', 'shell', 'console'].includes(language))
  .flatMap(shellCommandsOf)
const fleetFiles = blocks.filter(isFleetFile)
const problemsPage = 'docs/reference/api.md'

const violations = [
  ...checkTypeScriptBlocks(typescript),
  ...(await Promise.all(commands.map(checkBraidCommand))).flat(),
  ...commands.flatMap((command) => checkNpmScript(command, scripts)),
  ...fleetFiles.flatMap(checkFleetFile),
  ...checkProblemTable(problemsPage, readFileSync(join(repositoryRoot, problemsPage), 'utf8')),
]
report(
  violations,
  `${typescript.length} TypeScript blocks, ${fleetFiles.length} fleet files and ${commands.length} commands of ${pages.length} pages`,
)
