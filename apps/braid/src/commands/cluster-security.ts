import { endpoints, parseCheckedYaml } from '@braid/control-api'
import type { z } from 'zod'
import { fileFailure, readText } from '../fleet/read-file.ts'

const fileMaxBytes = 64 * 1024
const schema = endpoints['clusters.update'].body.shape.security.unwrap()

export type Security = z.output<typeof schema>

/** How a cluster is connected to, from a file: what an operator would not want in a shell's history. */
export async function readSecurity(file: string): Promise<Security> {
  const parsed = parseCheckedYaml(await readText(file, fileMaxBytes), schema)
  if ('problems' in parsed) throw fileFailure(file, parsed.problems)
  return parsed.value
}
