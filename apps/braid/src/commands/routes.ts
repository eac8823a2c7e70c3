import { ControlPlaneError, RouteFeed } from '@braid/control-api'
import type { ClusterRoute, RouteDelta, RouteTable, TopicRoute } from '@braid/routing-model'
import type { Command } from 'commander'
import { ask, refusal } from '../control-plane-calls.ts'
import { withExamples } from '../output/examples.ts'
import { topicTitle } from '../output/move-plan.ts'
import { type OutputOptions, print, withOutput } from '../output/print.ts'
import { safeLines } from '../output/safe-text.ts'
import { type Column, table } from '../output/table.ts'
import type { Session } from '../session.ts'
import { untilAborted } from '../until-aborted.ts'

const snapshotMaxMs = 10_000

export function addRoutesCommand(braid: Command, session: Session): void {
  withExamples(
    withOutput(braid.command('routes'))
      .description('the route table, as access points get it')
      .option('--watch', 'go on with every change, a line each'),
    'braid routes',
    'braid routes --watch',
    'braid routes --tenant shop',
    'braid routes -o json',
  ).action((options: OutputOptions & { watch?: boolean }) => showRoutes(session, options))
}

async function showRoutes(session: Session, options: OutputOptions & { watch?: boolean }): Promise<void> {
  // The feed would try again and again for a control plane that is not there; a plain call says so at once.
  await ask(session, (client) => client.tenants.list())
  const { io } = session
  const settings = session.settings()
  let first = true
  const feed = new RouteFeed({
    url: settings.controlPlanes,
    token: settings.token,
    limits: { startMaxMs: snapshotMaxMs },
    onChange(routes, delta) {
      if (first)
        print(io, options.output, routes.toJSON(), () => safeLines(routesText(routes, settings.tenantNamed)))
      else if (options.watch === true) io.stdout.write(safeLines(changeText(options.output, routes, delta)))
      first = false
    },
  })
  try {
    await io.stoppable(async (stopped) => {
      await feed.start()
      if (options.watch === true) await untilAborted(stopped)
    })
  } catch (error) {
    throw error instanceof ControlPlaneError ? refusal(error, settings) : error
  } finally {
    await feed.close()
  }
}

/** Of all tenants, or of one. */
export function routesText(routes: RouteTable, tenant?: string): string {
  const tenants = tenant === undefined ? [...routes.tenants.keys()] : [tenant]
  const tenantColumn: Column<TopicRoute>[] =
    tenants.length > 1 ? [{ head: 'TENANT', cell: (topic) => topic.tenant }] : []
  const all = [...routes.clusters.values()]
  const fencedColumn: Column<ClusterRoute>[] = all.some(({ fenced }) => fenced)
    ? [{ head: 'FENCED', cell: ({ fenced }) => (fenced ? 'yes' : '-') }]
    : []
  const clusters = table(
    [
      { head: 'CLUSTER', cell: (cluster) => cluster.name },
      { head: 'NUMBER', cell: (cluster) => String(cluster.number), align: 'right' },
      ...fencedColumn,
      { head: 'BOOTSTRAP', cell: (cluster) => cluster.bootstrap.join(',') },
    ],
    all,
  )
  const topics = table(
    [
      ...tenantColumn,
      { head: 'TOPIC', cell: (topic: TopicRoute) => topic.name },
      { head: 'PARTITIONS', cell: (topic) => String(topic.partitions), align: 'right' },
      { head: 'CHAIN', cell: chainText },
    ],
    tenants.flatMap((name) => [...routes.topics(name)]),
  )
  const points = table(
    [
      { head: 'ACCESS POINT', cell: (point) => point.id },
      { head: 'NUMBER', cell: (point) => String(point.number), align: 'right' },
      { head: 'BOOTSTRAP', cell: (point) => point.bootstrap },
    ],
    [...routes.accessPoints.values()],
  )
  return `route version ${routes.version}\n\n${clusters}\n${points}\n${topics}`
}

/** `a (lost) > b`: where its loglets are, and how those are that cannot be read. */
const chainText = (topic: TopicRoute): string =>
  Array.from({ length: topic.depth }, (_, i) => {
    const away = topic.away(i)
    return away === undefined ? topic.cluster(i) : `${topic.cluster(i)} (${away.state})`
  }).join(' > ') + (topic.prepared === undefined ? '' : ` (prepared: ${topic.prepared.cluster})`)

/** A line for people; for programs the delta itself, a JSON document or a YAML document each. */
export function changeText(
  format: OutputOptions['output'],
  routes: RouteTable,
  delta: RouteDelta | null,
): string {
  const data = delta ?? routes.toJSON()
  if (format === 'json') return `${JSON.stringify(data)}\n`
  if (format === 'yaml') return `---\n${JSON.stringify(data)}\n`
  if (delta === null) return `version ${routes.version}: a whole new table\n`
  const parts = [
    ...(delta.topics ?? []).map((changed) => {
      const topic = routes.topic(changed.tenant, changed.name)
      return topic === undefined
        ? changed.name
        : `topic ${topicTitle({ tenant: topic.tenant, topic: topic.name })}: ${chainText(topic)}`
    }),
    ...(delta.removedTopics ?? []).map(({ name }) => `topic ${name} is gone`),
    ...(delta.clusters ?? []).map(({ name, fenced }) => `cluster ${name}${fenced ? ' is fenced' : ''}`),
    ...(delta.removedClusters ?? []).map((name) => `cluster ${name} is gone`),
    ...(delta.tenants ?? []).map(
      ({ name, home, standbyHome }) =>
        `home of ${name} is ${home}${standbyHome === undefined ? '' : `, its standby home ${standbyHome}`}`,
    ),
    ...(delta.accessPoints ?? []).map(({ id }) => `access point ${id}`),
    ...(delta.removedAccessPoints ?? []).map((id) => `access point ${id} is gone`),
  ]
  return `version ${delta.to}: ${parts.join('; ')}\n`
}
