import { type Fleet, type FleetInput, type FleetPlan, formatFleet } from '@braid/control-api'
import { type Command, Option } from 'commander'
import { confirm } from '../confirm.ts'
import { ask } from '../control-plane-calls.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure, usage } from '../failure.ts'
import { readPlanFile, writePlanFile } from '../fleet/plan-file.ts'
import { hasChanges, planText, summary } from '../fleet/plan-view.ts'
import { readFleetFile } from '../fleet/read-file.ts'
import { type FollowOptions, followOperation, withFollow } from '../follow/operation.ts'
import { withExamples } from '../output/examples.ts'
import { operationText } from '../output/operation-view.ts'
import { encode, lookOf, type OutputOptions, print, withOutput } from '../output/print.ts'
import { safeData, safeLines } from '../output/safe-text.ts'
import type { Session } from '../session.ts'
import { withYes } from './options.ts'

interface PlanOptions extends OutputOptions {
  file: string
  prune?: boolean
  out?: string
  detailedExitcode?: boolean
}

const prune = ['--prune', 'also remove what the file does not name'] as const

export function addFleetCommands(braid: Command, session: Session): void {
  addPlan(braid, session)
  addApply(braid, session)
  addExport(braid, session)
}

function addPlan(braid: Command, session: Session): void {
  withExamples(
    withOutput(braid.command('plan'))
      .description('what applying a fleet file would change, where topics would go, and what could hurt')
      .requiredOption('-f, --file <fleet.yaml>', 'the fleet file; - is stdin')
      .option(...prune)
      .option('--out <plan.json>', 'keep the plan, for `braid apply plan.json`')
      .option(
        '--detailed-exitcode',
        `status ${exitCodes.changes} when there are changes, 0 when there are none`,
      ),
    'braid plan -f fleet.yaml',
    'braid plan -f fleet.yaml --prune --out plan.json',
  ).action(async (options: PlanOptions) => {
    const wish = { prune: options.prune === true }
    const fleet = await readFleetFile(session, options.file, wish)
    const plan = await ask(session, (client) => client.fleet.plan(asInput(fleet), wish))
    if (options.out !== undefined) await writePlanFile(options.out, { fleet, plan, ...wish })
    print(session.io, options.output, plan, planText)
    if (options.out !== undefined)
      session.io.stderr.write(`the plan is in ${options.out}: \`braid apply ${options.out}\`\n`)
    if (plan.obstacles.length > 0) throw obstacles()
    if (options.detailedExitcode === true && hasChanges(plan)) {
      throw new Failure('there are changes to apply', { exit: exitCodes.changes })
    }
  })
}

const obstacles = (): Failure =>
  new Failure('the plan cannot be applied as it is', {
    exit: exitCodes.conflict,
    remedy: 'what is in the way, and why, stands in the plan',
  })

interface ApplyOptions extends OutputOptions, FollowOptions {
  file?: string
  prune?: boolean
  yes?: boolean
}

function addApply(braid: Command, session: Session): void {
  withExamples(
    withFollow(withYes(withOutput(braid.command('apply'))))
      .description(
        'make the fleet what a file says, or do what a plan said; refused when the world has changed since',
      )
      .argument('[plan.json]', 'a plan that `braid plan --out` kept')
      .option('-f, --file <fleet.yaml>', 'a fleet file: it is planned, shown and asked for first')
      .addOption(new Option(...prune)),
    'braid apply -f fleet.yaml',
    'braid apply -f fleet.yaml --yes --prune',
    'braid apply plan.json --yes',
  ).action(async (planFile: string | undefined, options: ApplyOptions) => {
    if ((planFile === undefined) === (options.file === undefined)) {
      throw usage(
        'apply takes a fleet file or a plan',
        'write `braid apply -f fleet.yaml` or `braid apply plan.json`',
      )
    }
    if (planFile !== undefined && options.prune === true) {
      throw usage('--prune goes with -f', 'a plan says by itself whether it prunes')
    }
    const { fleet, prune, plan } =
      planFile === undefined
        ? await planned(session, options.file!, options.prune === true)
        : await readPlanFile(planFile)
    await apply(session, options, { fleet, prune, plan })
  })
}

async function planned(
  session: Session,
  file: string,
  prune: boolean,
): Promise<{ fleet: Fleet; prune: boolean; plan: FleetPlan }> {
  const fleet = await readFleetFile(session, file, { prune })
  const plan = await ask(session, (client) => client.fleet.plan(asInput(fleet), { prune }))
  return { fleet, prune, plan }
}

async function apply(
  session: Session,
  options: ApplyOptions,
  { fleet, prune, plan }: { fleet: Fleet; prune: boolean; plan: FleetPlan },
): Promise<void> {
  const { io } = session
  // Programs read stdout: with -o json it holds the operation and nothing else.
  const { write, look } =
    options.output === 'table'
      ? { write: io.stdout.write, look: lookOf(io) }
      : { write: io.stderr.write, look: lookOf(io, io.stderr) }
  write(planText(safeData(plan), look))
  if (plan.obstacles.length > 0) throw obstacles()
  if (!hasChanges(plan)) {
    if (options.output !== 'table') print(io, options.output, null, () => '')
    return
  }
  await confirm(io, `${summary(plan).replace(/ Based on.*/, '')} Apply it?`, options)
  const { operation } = await ask(session, (client) =>
    client.fleet.apply(asInput(fleet), { basedOn: plan.basedOn, prune }),
  )
  await followOperation(session, operation, options, operationText)
}

/** What has its defaults filled in is also what may be sent. */
const asInput = (fleet: Fleet): FleetInput => fleet

function addExport(braid: Command, session: Session): void {
  withExamples(
    braid
      .command('export')
      .description(
        'the whole fleet as a file that `braid apply` takes: canonical, so that two can be compared',
      )
      .addOption(
        new Option('-o, --output <format>', 'yaml or json').choices(['yaml', 'json']).default('yaml'),
      ),
    'braid export',
    'braid export -o json',
  ).action(async ({ output }: { output: 'yaml' | 'json' }) => {
    const { fleet } = await ask(session, (client) => client.fleet.export())
    if (output === 'json') session.io.stdout.write(encode('json', fleet))
    else session.io.stdout.write(safeLines(formatFleet(fleet as FleetInput)))
  })
}
