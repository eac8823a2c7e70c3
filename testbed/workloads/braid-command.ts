import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface CommandEnd {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** What npx runs. Not npx itself: that ends by the signal that it forwards, whatever its program ends with. */
const program = fileURLToPath(new URL('../../node_modules/.bin/braid', import.meta.url))
const runMaxMs = 120_000

/** `braid` as somebody runs it who is not at a terminal. */
export function braidCommand(controlPlane: string, ...args: readonly string[]): Promise<CommandEnd> {
  const env = { ...process.env, BRAID_API: new URL(controlPlane).host, NO_COLOR: '1' }
  return new Promise((resolve) => {
    execFile(program, [...args], { env, timeout: runMaxMs }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ status, stdout, stderr })
    })
  })
}
