// The code in README.md and docs/ must be true: TypeScript compiles, commands and their options exist.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeBlocksOf } from './docs/code-blocks.ts'
import { checkBraidCommand } from './docs/command-line.ts'
import { checkNpmScript } from './docs/npm-scripts.ts'
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

const violations = [
  ...checkTypeScriptBlocks(typescript),
  ...(await Promise.all(commands.map(checkBraidCommand))).flat(),
  ...commands.flatMap((command) => checkNpmScript(command, scripts)),
]
report(
  violations,
  `${typescript.length} TypeScript blocks and ${commands.length} commands of ${pages.length} pages`,
)
