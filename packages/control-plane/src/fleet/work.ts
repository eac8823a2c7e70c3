// What an apply does, written down before it begins: the same after a crash as before it.
import type { PlannedMove } from '@braid/control-api'
import type { PhysicalTopic } from '@braid/routing-model'
import { topicKey } from '../planner/index.ts'
import { freshPhysicalName } from '../topics/physical-name.ts'
import type { Changes } from './changes.ts'
import type { FleetDiff } from './diff.ts'
import type { ClusterDocument, SlaDocument, TenantDocument, TopicDocument } from './world.ts'

export interface NewTopic {
  readonly document: TopicDocument
  /** Of the topic, and of its physical topics: names that nobody else has. */
  readonly id: string
  readonly physical: PhysicalTopic
  readonly stub: PhysicalTopic | null
  readonly standby: string | null
  readonly reasons: readonly string[]
}

export interface ApplyWork {
  readonly basedOn: string
  readonly clusters: Work<ClusterDocument>
  readonly slas: Work<SlaDocument>
  readonly tenants: Work<TenantDocument>
  /** To be removed: with the ids that they had, because others may come under their names. */
  readonly topics: Work<TopicDocument, NewTopic> & { readonly removedIds: readonly (string | undefined)[] }
  readonly moves: readonly PlannedMove[]
}

export interface Work<T, N = T> {
  readonly create: readonly N[]
  readonly update: readonly T[]
  /** Names. */
  readonly remove: readonly { readonly name: string; readonly tenant?: string }[]
}

export function workOf(
  { basedOn, changes, placements, moves }: FleetDiff,
  {
    random,
    newId,
    idOf,
  }: {
    random: () => number
    newId: () => string
    idOf: (topic: Pick<TopicDocument, 'tenant' | 'name'>) => string | undefined
  },
): ApplyWork {
  const { cluster, sla, tenant, topic } = changes
  return {
    basedOn,
    clusters: named(cluster),
    slas: named(sla),
    tenants: named(tenant),
    topics: {
      ...named(topic),
      removedIds: topic.remove.map(idOf),
      create: topic.create.map((document): NewTopic => {
        const placed = placements.get(topicKey(document))
        if (placed === undefined) throw new Error(`topic ${topicKey(document)} has no place, and no obstacle`)
        const fresh = (on: string): PhysicalTopic => ({
          cluster: on,
          topic: freshPhysicalName(document.name, random),
        })
        return {
          document,
          id: newId(),
          physical: fresh(placed.cluster),
          stub: placed.stub === null ? null : fresh(placed.stub),
          standby: placed.standby,
          reasons: placed.reasons,
        }
      }),
    },
    moves,
  }
}

/** With names of its own for whatever a retry makes: those of the rounds before it are listed as left over. */
export function inRound(work: ApplyWork, round: number): ApplyWork {
  const renamed = ({ cluster, topic }: PhysicalTopic) => ({ cluster, topic: `${topic}.${round}` })
  const create = work.topics.create.map(
    (topic): NewTopic => ({
      ...topic,
      physical: renamed(topic.physical),
      stub: topic.stub && renamed(topic.stub),
    }),
  )
  return { ...work, topics: { ...work.topics, create } }
}

function named<T extends { readonly name: string; readonly tenant?: string }>({
  create,
  update,
  remove,
}: Changes<T>): Work<T> {
  return {
    create,
    update: update.map(({ after }) => after),
    remove: remove.map(({ name, tenant }) => ({ name, ...(tenant !== undefined && { tenant }) })),
  }
}
