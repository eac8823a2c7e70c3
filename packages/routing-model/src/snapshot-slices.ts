import type { RouteTable } from './route-table.ts'
import type { TopicRoute } from './topic-route.ts'

/** About 2 ms of work. */
const defaultSliceCharacters = 128 * 1024

/**
 * The JSON of a RouteSnapshot in slices: a table of a million partitions takes a second as one text. It is the table of
 * the moment of the call, whatever changes between the slices, and only of `tenants` if they are given. Slices end
 * between two tokens, where JSON allows white space.
 */
export function snapshotSlices(
  table: RouteTable,
  tenants?: ReadonlySet<string>,
  sliceCharacters = defaultSliceCharacters,
): Generator<string, void> {
  // Routes never change, so to hold them is to hold the table as it is now.
  const shown = [...table.tenants.values()].filter(({ name }) => tenants === undefined || tenants.has(name))
  const topics: TopicRoute[] = []
  for (const { name } of shown) for (const topic of table.topics(name)) topics.push(topic)
  const head = JSON.stringify({
    version: table.version,
    clusters: [...table.clusters.values()],
    tenants: shown,
    accessPoints: [...table.accessPoints.values()],
  })
  return slices(`${head.slice(0, -1)},"topics":[`, topics, sliceCharacters)
}

function* slices(
  head: string,
  topics: readonly TopicRoute[],
  sliceCharacters: number,
): Generator<string, void> {
  let slice = head
  for (const [i, topic] of topics.entries()) {
    if (slice.length >= sliceCharacters) {
      yield slice
      slice = ''
    }
    slice += JSON.stringify(topic)
    if (i < topics.length - 1) slice += ','
  }
  yield `${slice}]}`
}
