// What a document names must be there when it is applied: in the world, or in the file itself.
import type { FleetPlan } from '@braid/control-api'
import { topicKey } from '../planner/index.ts'
import { list } from '../planner/words.ts'
import type { Changes, FleetChanges, Kind } from './changes.ts'

export type Obstacle = FleetPlan['obstacles'][number]

const kindInWords: Readonly<Record<Kind, string>> = {
  cluster: 'cluster',
  sla: 'SLA class',
  tenant: 'tenant',
  topic: 'topic',
}

/** Each costs a look at every name that there is. */
const hintsMax = 100
const namesMax = 10_000

/** Of what the file changes, and of what would lose something that it names. */
export function brokenReferences(changes: FleetChanges): Obstacle[] {
  const { cluster, sla, tenant, topic } = changes
  const touched = {
    cluster: touchedIn(cluster),
    sla: touchedIn(sla),
    tenant: touchedIn(tenant),
    topic: touchedIn(topic),
  }
  const obstacles: Obstacle[] = []
  const hints = new Map<string, string>()
  const hint = (to: Kind, name: string, known: Iterable<string>): string => {
    const key = `${to} ${name}`
    const text = hints.get(key) ?? (hints.size < hintsMax ? nearest(name, known) : '')
    hints.set(key, text)
    return text
  }
  const check = (
    of: Kind,
    item: object,
    what: string,
    as: string,
    to: Exclude<Kind, 'topic'>,
    name: string,
  ) => {
    const there: Pick<Changes<{ name: string }>, 'all' | 'remove'> = changes[to]
    if (there.all.has(name)) return
    const removed = there.remove.some((each) => each.name === name)
    if (!removed && !touched[of].has(item)) return
    const reason = removed
      ? `${as} is ${kindInWords[to]} ${name}, which the file does not name and which would be removed: name it, or do not prune`
      : `${as} is ${name}, and there is no such ${kindInWords[to]}${hint(to, name, there.all.keys())}`
    obstacles.push({ what, reason })
  }
  for (const item of cluster.all.values()) {
    const { name, dedicatedTo } = item
    if (dedicatedTo !== null) check('cluster', item, `cluster ${name}`, 'dedicatedTo', 'tenant', dedicatedTo)
  }
  for (const item of tenant.all.values()) {
    const what = `tenant ${item.name}`
    check('tenant', item, what, 'home', 'cluster', item.home)
    if (item.standbyHome !== null) check('tenant', item, what, 'standbyHome', 'cluster', item.standbyHome)
    for (const name of item.policy.slas ?? []) check('tenant', item, what, 'one of policy.slas', 'sla', name)
  }
  for (const item of topic.all.values()) {
    const what = `topic ${topicKey(item)}`
    check('topic', item, what, 'tenant', 'tenant', item.tenant)
    if (item.sla !== null) check('topic', item, what, 'sla', 'sla', item.sla)
    if (item.cluster !== null) check('topic', item, what, 'cluster', 'cluster', item.cluster)
  }
  return obstacles
}

const touchedIn = <T extends object>({ create, update }: Changes<T>): ReadonlySet<object> =>
  new Set<object>([...create, ...update.map(({ after }) => after)])

/** `: did you mean gold?` for a slip of one or two letters, else what there is. */
function nearest(name: string, known: Iterable<string>): string {
  const names = [...known].slice(0, namesMax)
  const fewest = Math.min(...names.map((other) => slips(name, other)))
  if (fewest <= 2 && fewest < name.length) {
    return `: did you mean ${list(
      names.filter((other) => slips(name, other) === fewest),
      3,
    )}?`
  }
  return names.length === 0 ? '' : `; there is ${list(names)}`
}

/** Letters to change, add or leave out; 3 stands for more. */
function slips(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return Math.min(3, row[b.length]!)
}
