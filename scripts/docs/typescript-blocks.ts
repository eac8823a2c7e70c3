import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Violation } from '../violation.ts'
import { repositoryRoot } from '../workspaces.ts'
import type { CodeBlock } from './code-blocks.ts'

/** Compiles the TypeScript blocks, each a module of its own, against the packages as they are here. */
export function checkTypeScriptBlocks(blocks: readonly CodeBlock[]): Violation[] {
  if (blocks.length === 0) return []
  // Inside the repository, where package names lead to the workspaces.
  mkdirSync(join(repositoryRoot, '.braid'), { recursive: true })
  const folder = mkdtempSync(join(repositoryRoot, '.braid/docs-'))
  try {
    for (const [i, { line, code }] of blocks.entries()) {
      // Line for line where the page has it, so that an error names the page's line.
      writeFileSync(join(folder, `${i}.ts`), `${'\n'.repeat(line - 1)}${code}\nexport {}\n`)
    }
    const config = { extends: join(repositoryRoot, 'tsconfig.base.json'), include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(repositoryRoot, 'node_modules/.bin/tsc')
    const { status, stdout, stderr, error } = spawnSync(tsc, ['-p', folder, '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (error !== undefined) throw error
    if (status === 0) return []
    const violations = violationsIn(stdout, blocks)
    if (violations.length === 0) throw new Error(`tsc ended with status ${status}: ${stdout}${stderr}`)
    return violations
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function violationsIn(output: string, blocks: readonly CodeBlock[]): Violation[] {
  return [...output.matchAll(/^(\S+?)\((\d+),\d+\): error (.*)$/gm)].map(
    ([, file = '', line, message = '']) => {
      const path = blocks[Number(basename(file, '.ts'))]?.path ?? file
      return { path, line: Number(line), message }
    },
  )
}
