import { open } from 'node:fs/promises'
import { type Fleet, type KnownNames, parseFleetFile, type TextProblem } from '@braid/control-api'
import { ask } from '../control-plane-calls.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure, usage } from '../failure.ts'
import type { Session } from '../session.ts'

const fileMaxBytes = 20 * 1024 * 1024
const problemsShownMax = 50

/** The fleet that a file describes; `-` is stdin. All that is wrong with it is in the Failure, by line. */
export async function readFleetFile(
  session: Session,
  file: string,
  { prune }: { prune: boolean },
): Promise<Fleet> {
  const text = await readText(file, fileMaxBytes)
  const alone = parseFleetFile(text)
  let parsed = alone
  if (alone.refersOutside) {
    // With --prune only what the file names is there afterwards, so nothing else can be referred to.
    const known = prune ? nothing : await namesInFleet(session, alone.problems.length > 0)
    if (known !== undefined) parsed = parseFleetFile(text, { known })
  }
  if (parsed.fleet === undefined) throw fileFailure(file, parsed.problems)
  return parsed.fleet
}

const nothing: KnownNames = { cluster: new Set(), sla: new Set(), tenant: new Set() }

/** Where the file is wrong anyway, a control plane that is away is no reason not to say so. */
async function namesInFleet(session: Session, orNone: boolean): Promise<KnownNames | undefined> {
  try {
    return await ask(session, async (client) => ({
      cluster: namesOf(await client.clusters.list()),
      sla: namesOf(await client.slas.list()),
      tenant: namesOf(await client.tenants.list()),
    }))
  } catch (error) {
    if (orNone) return undefined
    throw error
  }
}

const namesOf = (all: readonly { name: string }[]): ReadonlySet<string> =>
  new Set(all.map(({ name }) => name))

export function fileFailure(file: string, problems: readonly TextProblem[]): Failure {
  const lines = problems
    .slice(0, problemsShownMax)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
  const more = problems.length - lines.length
  if (more > 0) lines.push(`and ${more} more`)
  return new Failure(lines.join('\n'), { exit: exitCodes.usage, remedy: 'nothing was done' })
}

export async function readText(file: string, maxBytes: number): Promise<string> {
  const path = file === '-' ? '/dev/stdin' : file
  try {
    const handle = await open(path, 'r')
    try {
      const chunks: Buffer[] = []
      let length = 0
      for await (const chunk of handle.createReadStream({ autoClose: false })) {
        length += (chunk as Buffer).length
        if (length > maxBytes) throw usage(`${file} has more than ${maxBytes} bytes`)
        chunks.push(chunk as Buffer)
      }
      return Buffer.concat(chunks).toString('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message
    throw new Failure(`cannot read ${file}: ${reason}`, {
      exit: exitCodes.usage,
      cause: error,
    })
  }
}
