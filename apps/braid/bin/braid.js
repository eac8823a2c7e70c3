#!/usr/bin/env node
// Starts braid, on a Node that can run it. Plain JavaScript that old versions of Node understand.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24

if (majorOf(process.versions.node) >= NODE_MAJOR_MIN) {
  // KafkaJS 2.2.4 asks for timers in the past, which Node tells everybody.
  const { emitWarning } = process
  process.emitWarning = (warning, ...about) => {
    if (about[0] !== 'TimeoutNegativeWarning') emitWarning.call(process, warning, ...about)
  }
  // By the package's own name: its exports lead to TypeScript here and to JavaScript in what is published.
  await import('@braid/cli/main')
} else {
  const node = installedNode()
  if (node === undefined) {
    process.stderr.write(
      `braid: needs Node ${NODE_MAJOR_MIN} or later, this is ${process.versions.node} (${process.execPath})\n` +
        `  install it from https://nodejs.org, or let npm run the install script of the package "node"\n`,
    )
    process.exitCode = 1
  } else {
    runWith(node)
  }
}

/** The program of the npm package `node`, which braid depends on; undefined if it is not there or too old. */
function installedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
    const node = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    // Its install script brings the program: where npm may not run install scripts, there is none.
    return majorOf(version) >= NODE_MAJOR_MIN && existsSync(node) ? node : undefined
  } catch {
    return undefined
  }
}

function runWith(node) {
  const program = [fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const child = spawn(node, program, { stdio: 'inherit' })
  // What is typed at a terminal reaches the child twice then; braid takes two at once for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`braid: cannot start ${node}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}

function majorOf(version) {
  return Number(version.split('.')[0])
}
