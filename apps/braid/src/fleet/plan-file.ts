// A plan on disk: made by one, looked at by another, applied as it is or not at all.
import { writeFile } from 'node:fs/promises'
import { endpoints, type Fleet, type FleetPlan } from '@braid/control-api'
import { Failure, usage } from '../failure.ts'
import { readText } from './read-file.ts'

export interface PlanFile {
  readonly fleet: Fleet
  readonly prune: boolean
  readonly plan: FleetPlan
}

const format = 'braid plan 1'
const fileMaxBytes = 128 * 1024 * 1024

export async function writePlanFile(file: string, { fleet, prune, plan }: PlanFile): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify({ format, prune, plan, fleet }, undefined, 2)}\n`, {
      mode: 0o600,
    })
  } catch (cause) {
    throw new Failure(`cannot write the plan to ${file}: ${(cause as Error).message}`, { cause })
  }
}

export async function readPlanFile(file: string): Promise<PlanFile> {
  const text = await readText(file, fileMaxBytes)
  const hint = 'make one: `braid plan -f fleet.yaml --out plan.json`; a fleet file is applied with -f'
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw usage(`${file} is no plan: ${(error as Error).message}`, hint)
  }
  const { format: found, ...rest } = Object(value) as Record<string, unknown>
  if (found !== format) throw usage(`${file} is no plan that this braid knows`, hint)
  const plan = endpoints['fleet.plan'].answer.safeParse(rest.plan)
  if (!plan.success) throw usage(`${file}: its plan is damaged: ${plan.error.issues[0]?.message}`, hint)
  const body = endpoints['fleet.apply'].body.safeParse({
    fleet: rest.fleet,
    prune: rest.prune,
    basedOn: plan.data.basedOn,
  })
  if (!body.success) {
    const [issue] = body.error.issues
    throw usage(`${file}: its plan is damaged: ${issue?.path.join('.')}: ${issue?.message}`, hint)
  }
  return { fleet: body.data.fleet, prune: body.data.prune, plan: plan.data }
}
