import { type AuditEntry, type ControlPlaneClient, ControlPlaneError } from '@braid/control-api'
import type { ChangeMaker, Made } from './change-maker.ts'
import { neededTopics } from './physical-topics.ts'

// What must be there after changes that were acknowledged, and may be there after those whose answers were lost.

/** What is wrong, a line each; empty when nothing is. */
export async function judgeChanges(
  client: ControlPlaneClient,
  { made, lanes, wrong }: ChangeMaker,
): Promise<string[]> {
  const names = lanes.map(({ tenant }) => tenant)
  const said = await everythingOf(client, names)
  const audit = (await wholeAudit(client)).filter(({ outcome }) => outcome === 'done')
  const findings = [...wrong]
  const moves = new Set(made.flatMap(({ move }) => move ?? []))
  const last = new Map<string, Made[]>()
  for (const one of made) last.set(one.change.thing, [...(last.get(one.change.thing) ?? []), one])
  for (const [thing, changes] of last) {
    const { expected, maybe } = finalOf(changes)
    const found = said.get(thing)
    if (found !== expected && !(maybe !== undefined && found === maybe.change.says)) {
      findings.push(
        `${thing} says ${found}, and ${expected} was acknowledged${maybe ? `, ${maybe.change.says} perhaps` : ''}`,
      )
    }
    for (const one of changes) {
      const isDone = one.outcome === 'acknowledged' || found === one.change.says
      const rows = audit.filter((entry) => isOf(one, entry, moves)).length
      if (rows !== (isDone ? 1 : 0)) {
        findings.push(
          `${one.change.audit.action} of ${thing}, ${one.outcome}: ${rows} rows in the audit trail`,
        )
      }
    }
  }
  for (const thing of said.keys())
    if (!last.has(thing)) findings.push(`${thing} is there, and nobody asked for it`)
  return findings
}

/** What was acknowledged last, and the change after it of which nobody knows. */
function finalOf(changes: readonly Made[]): { expected: string | undefined; maybe: Made | undefined } {
  const maybe = changes.find(({ outcome }) => outcome === 'unknown')
  const known = changes.findLast(({ outcome }) => outcome === 'acknowledged')
  return { expected: known?.change.says, maybe }
}

function isOf(
  { change: { audit }, move }: Made,
  { action, what, diff }: AuditEntry,
  moves: ReadonlySet<string>,
): boolean {
  if (action !== audit.action || !audit.what.test(what)) return false
  const [kind, id = ''] = what.split(' ')
  // A topic moves several times: each move is known by its own id, and one that nobody answered by having none of those.
  if (kind === 'migration') return move === undefined ? !moves.has(id) : id === move
  return audit.after === undefined || diff.some(({ after }) => after === audit.after)
}

/** By thing, what it says. */
async function everythingOf(
  client: ControlPlaneClient,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const said = new Map<string, string>()
  const isOurs = (name: string) => tenants.some((tenant) => name.startsWith(tenant))
  for (const { name, labels } of await client.clusters.list()) {
    if (labels.change !== undefined) said.set(`cluster ${name}`, labels.change)
  }
  for (const { name, description } of await client.slas.list()) {
    if (isOurs(name)) said.set(`sla ${name}`, description ?? '')
  }
  for (const { name, description } of await client.tenants.list()) {
    if (isOurs(name)) said.set(`tenant ${name}`, description ?? '')
  }
  for (const { principal } of await client.tokens.list()) said.set(`token ${principal}`, principal)
  for (const tenant of tenants) {
    const topics = await client.topics.list({ tenant }).catch(ifUnknownTenant)
    for (const { name, contact } of topics) said.set(`topic ${name}`, contact ?? '')
    const moves = await client.migrations.list({ tenant, limit: 1_000 })
    const counts = new Map<string, number>()
    for (const { topic, to } of moves.toReversed()) {
      const count = counts.get(topic) ?? 0
      counts.set(topic, count + 1)
      said.set(`place ${topic} ${count}`, to.cluster)
    }
  }
  return said
}

async function wholeAudit(client: ControlPlaneClient): Promise<AuditEntry[]> {
  const found: AuditEntry[] = []
  let after: string | null = null
  do {
    const { entries, next }: { entries: AuditEntry[]; next: string | null } = await client.audit.list({
      limit: 1_000,
      ...(after !== null && { after }),
    })
    found.push(...entries)
    after = next
  } while (after !== null)
  return found
}

/** Moves that have not ended, or did not end where they were to: none, once all is quiet. */
export async function movesAstray(client: ControlPlaneClient, { lanes }: ChangeMaker): Promise<string[]> {
  const astray: string[] = []
  for (const { tenant } of lanes) {
    for (const { id, topic, state, step, error } of await client.migrations.list({ tenant, limit: 1_000 })) {
      if (state !== 'switched' && state !== 'done') {
        astray.push(`move ${id} of ${topic} is ${state} in ${step}: ${error?.detail ?? 'no error'}`)
      }
    }
  }
  return astray
}

/** `cluster/topic` of every physical topic that the routes name. */
export async function neededByAll(client: ControlPlaneClient, { lanes }: ChangeMaker): Promise<Set<string>> {
  const needed = new Set<string>()
  for (const { tenant, home } of lanes) {
    for (const { name } of await client.topics.list({ tenant }).catch(ifUnknownTenant)) {
      for (const one of neededTopics(await client.topics.get(name, { tenant }), home)) needed.add(one)
    }
  }
  return needed
}

/** Of a lane that did not even get as far as its tenant. */
function ifUnknownTenant(error: unknown): [] {
  if (error instanceof ControlPlaneError && error.code === 'UNKNOWN_TENANT') return []
  throw error
}
