// The rules about room: what is asked for fits beside what is there and what is reserved there.
import { fanOut, fanOutInWords, replicationFactorOn } from '../demand.ts'
import {
  activeBytesOut,
  copyBytesIn,
  copyBytesOut,
  hasHomeTopic,
  replicaFactorOn,
  reservedBytesIn,
  reservedBytesOut,
  stubAfter,
} from '../ledger.ts'
import { type Dimension, dimensionInWords, noTraffic, type Site } from '../site.ts'
import { bytesPerSecond, count } from '../words.ts'
import type { Ask, HardRule } from './rule.ts'
import { isReachable } from './suitability.ts'

/** How much a cluster has left for this ask; infinite without a limit, negative when it is over it. */
export function leftOf(ask: Ask, site: Site, dimension: Dimension): number {
  const capacity = site.cluster.capacity[dimension]
  if (capacity === null) return Number.POSITIVE_INFINITY
  const left = capacity - site.live[dimension]
  if (dimension === 'partitions') return left
  if (ask.role !== 'standby') return left - site.reserved[dimension]
  // A standby shares what is reserved for other domains; only a copy that is always there does not.
  const inDomain = left - reservedFor(ask, site)[dimension]
  if (!ask.demand.dual) return inDomain
  const copy = dimension === 'bytesInPerSecond' ? copyBytesIn(ask.demand) : copyBytesOut(ask.demand, site)
  const beside = left - site.reserved[dimension]
  return beside < copy ? beside : inDomain
}

const reservedFor = ({ primary }: Ask, site: Site) =>
  primary === null ? noTraffic : site.reservedFor(primary.domain)

/** How much this ask needs there. */
export function needOf(ask: Ask, site: Site, dimension: Dimension): number {
  const { role, demand } = ask
  switch (dimension) {
    case 'bytesInPerSecond':
      return role === 'standby' ? copyBytesIn(demand) + reservedBytesIn(demand) : demand.bytesInPerSecond
    case 'bytesOutPerSecond':
      if (role === 'replica') {
        return fanOut(demand.bytesInPerSecond, ask.readers, replicaFactorOn(demand, site))
      }
      if (role === 'active') return activeBytesOut(demand, site)
      return copyBytesOut(demand, site) + reservedBytesOut(demand, site)
    case 'partitions':
      return demand.topic.partitions + stubPartitions(ask, site)
  }
}

/** Of the stub that is, or comes with this, on the same cluster: a topic may stand by on its home. */
function stubPartitions({ role, demand, incumbent, stub }: Ask, site: Site): number {
  if (role === 'replica') return 0
  const { topic } = demand
  const ofActive = incumbent === site.name ? topic.stub : stubAfter(demand, site.name)
  return (role === 'active' ? ofActive : stub) === site.name ? topic.partitions : 0
}

const fits = (dimension: Dimension) => (ask: Ask, site: Site) =>
  site.cluster.capacity[dimension] === null || needOf(ask, site, dimension) <= leftOf(ask, site, dimension)

const amount = (dimension: Dimension, n: number): string =>
  dimension === 'partitions' ? count(n, 'partition') : bytesPerSecond(n)

function because(dimension: Dimension) {
  return (ask: Ask, site: Site): string => {
    const need = `${amount(dimension, needOf(ask, site, dimension))} of ${dimensionInWords[dimension]} needed`
    const left = leftOf(ask, site, dimension)
    const capacity = amount(dimension, site.cluster.capacity[dimension] ?? 0)
    return left < 0
      ? `${need}, and it is over its ${capacity} already`
      : `${need}, ${dimension === 'partitions' ? left : bytesPerSecond(left)} left of ${capacity}`
  }
}

const roles = ['active', 'standby', 'replica'] as const

export const partitions: HardRule = {
  name: 'partitions',
  roles,
  room: true,
  holds: fits('partitions'),
  because: because('partitions'),
  nobody: ({ demand }, kind) => `no ${kind} has room for ${count(demand.topic.partitions, 'partition')}`,
  help: ({ demand }, kind) =>
    `register a ${kind} with room for ${count(demand.topic.partitions, 'partition')}`,
}

export const bytesIn: HardRule = {
  name: 'bytes-in',
  roles,
  room: true,
  holds: fits('bytesInPerSecond'),
  because: because('bytesInPerSecond'),
  nobody: ({ demand }, kind) => `no ${kind} has ${bytesPerSecond(demand.bytesInPerSecond)} of bytes in left`,
  help: ({ demand }, kind) =>
    `register a ${kind} with ${bytesPerSecond(demand.bytesInPerSecond)} of bytes in, or split the topic`,
}

export const bytesOut: HardRule = {
  name: 'bytes-out',
  roles,
  room: true,
  holds: fits('bytesOutPerSecond'),
  because: because('bytesOutPerSecond'),
  nobody: (ask, kind) =>
    ask.role === 'replica'
      ? `no ${kind} has the bytes out for ${count(ask.readers, 'reader')} of ${bytesPerSecond(ask.demand.bytesInPerSecond)}`
      : `no ${kind} has the bytes out left: ${fanOutInWords(ask.demand, statedFactor(ask))}`,
  help: ({ demand, role }, kind) =>
    role !== 'replica' && demand.readers > 1
      ? `let some of the readers read from a replica on a cluster of tier read, or register a ${kind}`
      : `register a ${kind}`,
}

/** For a sentence about several clusters: what was asked for, or what most clusters would choose. */
const statedFactor = ({ demand }: Ask): number => demand.replicationFactor ?? replicationFactorOn(demand, 3)

/** A topic that is not at home needs a home topic there: a stub has its partitions, and no traffic. */
export const stub: HardRule = {
  name: 'stub',
  roles: ['active'],
  room: true,
  holds: (ask, site) => {
    const { demand, home, incumbent } = ask
    // Where it is already, a stub that is missing is for the plan of stubs to make.
    if (demand.home === site.name || incumbent === site.name || hasHomeTopic(demand)) return true
    return home !== null && isReachable(home) && demand.topic.partitions <= leftOf(ask, home, 'partitions')
  },
  because: (ask) => noStub(ask),
  nobody: (ask) => noStub(ask),
  help: ({ demand }) => `make room on ${demand.home}, or move tenant ${demand.topic.tenant}'s home`,
}

function noStub(ask: Ask): string {
  const { demand, home } = ask
  const where = `the home of tenant ${demand.topic.tenant}`
  if (home === null) return `${demand.home}, ${where}, is not registered: the stub has no place`
  if (!isReachable(home)) return `${home.name}, ${where}, is unavailable: no stub can be made there`
  return `${home.name}, ${where}, has no room for a stub of ${count(demand.topic.partitions, 'partition')}`
}
