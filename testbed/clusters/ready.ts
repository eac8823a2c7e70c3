import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Admin } from 'kafkajs'
import { type AccessDescription, kafkaJsSecurity } from './access.ts'
import { OFFSETS_PARTITIONS } from './broker-config.ts'
import { ClusterError } from './errors.ts'

const PAUSE_BETWEEN_TRIES_MS = 100

export interface WaitOptions {
  /** How to get in, where not everybody may. */
  readonly access: AccessDescription | undefined
  readonly timeoutMs: number
  /** What to say of a broker that has ended; waiting is over then. */
  readonly ended: () => Promise<string | undefined>
  /** The last lines of the brokers' logs, for the error. */
  readonly log: () => Promise<string>
}

/**
 * Resolves when every broker is in the metadata, a topic can be created on all of them, and groups can be used. The
 * last matters to KafkaJS, whose consumers crash on a coordinator that is still loading.
 */
export async function waitForCluster(
  name: string,
  addresses: readonly string[],
  options: WaitOptions,
): Promise<void> {
  // The same topic in every try, so that a try that failed half way leaves none.
  const topic = `braid-ready-${randomBytes(6).toString('hex')}`
  await tryUntil(`cluster ${name}`, options, addresses, async (admin) => {
    await seesBrokers(admin, addresses)
    const created = { topic, numPartitions: 1, replicationFactor: addresses.length }
    await admin.createTopics({ topics: [created], waitForLeaders: false, timeout: 5_000 })
    // Fails while the broker that is asked has not heard of the topic or of its leader: then the next try asks again.
    await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.deleteTopics({ topics: [topic], timeout: 5_000 })
    while ((await admin.listTopics()).includes(topic)) await sleep(PAUSE_BETWEEN_TRIES_MS)
  })
  // The first question has the brokers create the topic of the commits, each partition of which is loaded by itself.
  await tryUntil(`the group coordinators of ${name}`, options, addresses, async (admin) => {
    for (const groupId of groupOfEachPartition(OFFSETS_PARTITIONS)) {
      await admin.fetchOffsets({ groupId, topics: [] })
    }
  })
}

/** A group for every partition of the topic of the commits: Kafka takes the group's String.hashCode modulo their number. */
function groupOfEachPartition(partitions: number): Iterable<string> {
  const groups = new Map<number, string>()
  for (let i = 0; groups.size < partitions; i++) {
    const group = `braid-ready-${i}`
    let hash = 0
    for (let at = 0; at < group.length; at++) hash = (Math.imul(hash, 31) + group.charCodeAt(at)) | 0
    groups.set((hash & 0x7fffffff) % partitions, group)
  }
  return groups.values()
}

/** Resolves when the broker answers and is itself in the metadata. */
export function waitForBroker(name: string, address: string, options: WaitOptions): Promise<void> {
  return tryUntil(`broker ${address} of ${name}`, options, [address], (admin) =>
    seesBrokers(admin, [address]),
  )
}

async function seesBrokers(admin: Admin, addresses: readonly string[]): Promise<void> {
  const { brokers } = await admin.describeCluster()
  const seen = new Set(brokers.map(({ host, port }) => `${host}:${port}`))
  const missing = addresses.filter((address) => !seen.has(address))
  if (missing.length > 0) throw new Error(`not in the metadata yet: ${missing.join(', ')}`)
}

async function tryUntil(
  what: string,
  { access, timeoutMs, ended, log }: WaitOptions,
  brokers: readonly string[],
  attempt: (admin: Admin) => Promise<void>,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs
  for (;;) {
    const admin = new kafkajs.Kafka({
      clientId: 'braid-testbed',
      brokers: [...brokers],
      ...kafkaJsSecurity(access),
      logLevel: kafkajs.logLevel.NOTHING,
      connectionTimeout: 2_000,
      requestTimeout: 6_000,
      // KafkaJS finds a coordinator's address only in its second try.
      retry: { retries: 1, initialRetryTime: PAUSE_BETWEEN_TRIES_MS },
    }).admin()
    try {
      await admin.connect()
      return await attempt(admin)
    } catch (error) {
      const end = await ended()
      if (end !== undefined)
        throw new ClusterError('BROKER_ENDED', `${what} did not start: ${end}\n${await log()}`, {
          cause: error,
        })
      if (Date.now() > deadlineMs) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new ClusterError(
          'NOT_READY',
          `${what} is not ready after ${timeoutMs} ms (${reason}); is the machine overloaded?\n${await log()}`,
          { cause: error },
        )
      }
    } finally {
      await admin.disconnect().catch(() => {})
    }
    await sleep(PAUSE_BETWEEN_TRIES_MS)
  }
}
