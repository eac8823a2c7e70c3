// What is seen of one cluster, each question with a bound of its own: a cluster that hangs is an answer too.
import type { BrokerAddress, ClockReading, Right } from '@braid/kafka-connection'
import type { OpenCluster } from '../clusters/clusters.ts'
import type { BrokerLook } from '../clusters/kafka-cluster.ts'
import type { ClusterRow } from '../store/rows.ts'
import { type Outcome, within } from './outcome.ts'

export interface Examination {
  readonly row: Pick<ClusterRow, 'name' | 'bootstrap' | 'clusterId' | 'security'>
  /** In the order in which they are registered. `value` is the id of the cluster that answers there. */
  readonly addresses: readonly { readonly address: string; readonly outcome: Outcome<string> }[]
  /** Undefined when no address answered: nothing more is known. */
  readonly inside: Inside | undefined
}

export interface Inside {
  readonly brokers: readonly { readonly broker: BrokerAddress; readonly outcome: Outcome<BrokerLook> }[]
  readonly clock: Outcome<ClockReading | undefined>
  readonly rights: Outcome<readonly Right[]>
}

/** Whose rights are asked for names that are not there: those of topics and groups that are yet to come. */
export const probeName = 'braid-doctor'
const brokersMax = 100

export async function examine(
  openAt: OpenCluster,
  row: Examination['row'],
  physicalTopics: readonly string[],
  { questionMaxMs, isHome }: { questionMaxMs: number; isHome: boolean },
): Promise<Examination> {
  const { name, bootstrap } = row
  const security = row.security ?? undefined
  // Connections of its own: those that are open may still serve where no new one can be made.
  const open = (addresses: readonly string[]) => openAt({ name, bootstrap: addresses, security })
  const addresses = await Promise.all(
    bootstrap.map(async (address) => {
      const cluster = open([address])
      const outcome = await within(questionMaxMs, async () => (await cluster.facts()).clusterId)
      void cluster.close()
      return { address, outcome }
    }),
  )
  const answering = addresses.filter(({ outcome }) => outcome.kind === 'answered')
  if (answering.length === 0) return { row, addresses, inside: undefined }
  const cluster = open(answering.map(({ address }) => address))
  try {
    const known = await within(questionMaxMs, () => cluster.brokerAddresses())
    const all = known.kind === 'answered' ? known.value.slice(0, brokersMax) : []
    const brokers = await Promise.all(
      all.map(async (broker) => ({
        broker,
        outcome: await within(questionMaxMs, () => cluster.lookAtBroker(broker.id)),
      })),
    )
    const [clock, rights] = await Promise.all([
      within(questionMaxMs, () => cluster.controllerClock()),
      within(questionMaxMs, () =>
        cluster.missingRights({
          topics: [...physicalTopics, probeName],
          groups: isHome ? [probeName] : [],
        }),
      ),
    ])
    return { row, addresses, inside: { brokers, clock, rights } }
  } finally {
    void cluster.close()
  }
}
