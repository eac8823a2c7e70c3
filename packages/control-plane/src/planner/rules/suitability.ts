// The rules about what a cluster is, in the order in which they are explained: the widest first.
import { replicationFactorOn } from '../demand.ts'
import { FAILURE_DOMAIN_LABEL } from '../fleet.ts'
import type { Site } from '../site.ts'
import { count, labelsInWords } from '../words.ts'
import { type Ask, type HardRule, labelHolds } from './rule.ts'

/** Nothing is decided about a topic whose class or tenant is not there. */
export const known: HardRule = {
  name: 'known',
  roles: ['active', 'standby', 'replica'],
  room: false,
  holds: ({ demand }) => demand.problem === null,
  because: ({ demand }) => demand.problem ?? '',
  nobody: ({ demand }) => demand.problem ?? '',
  help: () => 'correct the name, or define it first',
}

/**
 * A dedicated class only on clusters dedicated to the tenant, every other only on shared ones. Read clusters
 * have replicas and nothing else: shared ones, or the tenant's own.
 */
export const tier: HardRule = {
  name: 'tier',
  roles: ['active', 'standby', 'replica'],
  room: false,
  holds: ({ role, demand }, { cluster }) => {
    const own = cluster.dedicatedTo === demand.topic.tenant
    if (role === 'replica') {
      return cluster.tier === 'read' && (own || (!demand.dedicated && cluster.dedicatedTo === null))
    }
    return demand.dedicated ? cluster.tier === 'dedicated' && own : cluster.tier === 'shared'
  },
  because: (_, { cluster }) =>
    cluster.dedicatedTo !== null
      ? `its tier is ${cluster.tier}, for tenant ${cluster.dedicatedTo}`
      : `its tier is ${cluster.tier}`,
  nobody: (ask, kind) => `there is no ${kind}${ask.role === 'standby' ? " but the topic's own" : ''}`,
  help: ({ role, demand }) =>
    role === 'replica'
      ? 'register a cluster of tier read'
      : demand.dedicated
        ? `register a cluster with tier dedicated for tenant ${demand.topic.tenant}, or choose a class that is not dedicated`
        : 'register a cluster of tier shared',
}

export const labels: HardRule = {
  name: 'labels',
  roles: ['active', 'standby', 'replica'],
  room: false,
  holds: ({ demand }, site) => labelHolds(site, demand.labels),
  because: ({ demand }, { cluster }) => {
    const missing = demand.labels.filter(([key, value]) => cluster.labels[key] !== value)
    const there = missing.flatMap(([key]) =>
      key in cluster.labels ? [[key, cluster.labels[key]!] as const] : [],
    )
    return `${labelsInWords(missing)} is asked for${there.length > 0 ? `, it has ${labelsInWords(there)}` : ''}`
  },
  nobody: ({ demand }, kind) => `no ${kind} has the label ${labelsInWords(demand.labels)}`,
  help: ({ demand }) =>
    `register a cluster with ${labelsInWords(demand.labels)}, or choose a class without that label`,
}

export const pin: HardRule = {
  name: 'pin',
  roles: ['active'],
  room: false,
  holds: ({ demand }, site) => demand.topic.pinnedTo === null || demand.topic.pinnedTo === site.name,
  because: ({ demand }) => `the topic is pinned to ${demand.topic.pinnedTo}`,
  nobody: ({ demand }, kind) => `the topic is pinned to ${demand.topic.pinnedTo}, which is no ${kind}`,
  help: ({ demand }) => `unpin the topic, or correct the pin to ${demand.topic.pinnedTo}`,
}

/** A transaction lives on one cluster, with the groups whose offsets it commits; after a failover, on the standby home. */
export const transactionalAtHome: HardRule = {
  name: 'transactional-at-home',
  roles: ['active', 'standby'],
  room: false,
  holds: ({ role, demand }, site) =>
    !demand.topic.transactional || site.name === (role === 'active' ? demand.home : demand.standbyHome),
  because: (ask) => atHome(ask),
  nobody: (ask) => atHome(ask),
  help: ({ role, demand }) =>
    role === 'active'
      ? `let the topic not be transactional, or move tenant ${demand.topic.tenant}'s home with all its transactional topics`
      : demand.standbyHome === null
        ? `give tenant ${demand.topic.tenant} a standby home`
        : `choose another standby home for tenant ${demand.topic.tenant}`,
}

function atHome({ role, demand }: Ask): string {
  const tenant = `tenant ${demand.topic.tenant}`
  if (role === 'active') return `a transactional topic lives on the home of ${tenant}, ${demand.home}`
  return demand.standbyHome === null
    ? `a transactional topic stands by on the standby home, and ${tenant} has none`
    : `a transactional topic stands by on the standby home of ${tenant}, ${demand.standbyHome}`
}

export const replicationFactor: HardRule = {
  name: 'replication-factor',
  roles: ['active', 'standby'],
  room: false,
  holds: ({ demand }, { cluster }) =>
    cluster.brokers > 0 && replicationFactorOn(demand, cluster.brokers) <= cluster.brokers,
  because: ({ demand }, { cluster }) =>
    `it has ${count(cluster.brokers, 'broker')}, replication factor is ${replicationFactorOn(demand, cluster.brokers)}`,
  nobody: ({ demand }, kind) =>
    `no ${kind} has the brokers for replication factor ${demand.replicationFactor ?? 1}`,
  help: ({ demand }) =>
    `register a cluster of at least ${count(demand.replicationFactor ?? 1, 'broker')}, or ask for a lower replication factor`,
}

export const minInSync: HardRule = {
  name: 'min-in-sync',
  roles: ['active', 'standby'],
  room: false,
  holds: ({ demand }, { cluster }) =>
    demand.minInSyncReplicas <= replicationFactorOn(demand, cluster.brokers),
  because: ({ demand }, { cluster }) =>
    `${demand.minInSyncReplicas} in-sync replicas are asked for, of ${replicationFactorOn(demand, cluster.brokers)}`,
  nobody: ({ demand }) =>
    `${demand.minInSyncReplicas} in-sync replicas are asked for, more than the replication factor ${demand.replicationFactor ?? 1}: nobody could write`,
  help: () => 'raise the replication factor, or lower the in-sync replicas of the class',
}

/** Only an active cluster takes what it does not have. One that was given up keeps no standby: nothing could go there. */
export const state: HardRule = {
  name: 'state',
  roles: ['active', 'standby', 'replica'],
  room: false,
  holds: ({ role, incumbent }, { cluster }) =>
    cluster.state === 'active' ||
    (cluster.name === incumbent && !(role === 'standby' && cluster.state === 'unavailable')),
  because: (_, { cluster }) => `it is ${cluster.state}`,
  nobody: (_, kind) => `no ${kind} is active`,
  help: (_, kind) => `uncordon a ${kind}, or register another`,
}

export const failureDomain: HardRule = {
  name: 'failure-domain',
  roles: ['standby'],
  room: false,
  holds: ({ primary }, site) => primary === null || site.domain !== primary.domain,
  because: ({ primary }, site) =>
    site === primary ? 'it has the topic' : `it is in the failure domain of ${primary?.name}, ${site.domain}`,
  nobody: ({ primary }, kind) =>
    `no ${kind} is outside the failure domain of ${primary?.name}, ${primary?.domain}`,
  help: (_, kind) => `register a ${kind} in another failure domain (label ${FAILURE_DOMAIN_LABEL})`,
}

/** What a cluster would have to be: `shared cluster with region=eu`. */
export function kindInWords({ role, demand }: Ask): string {
  const tenant = demand.topic.tenant
  const tierInWords =
    role === 'replica'
      ? 'read cluster'
      : demand.dedicated
        ? `cluster dedicated to tenant ${tenant}`
        : 'shared cluster'
  return demand.labels.length > 0 ? `${tierInWords} with ${labelsInWords(demand.labels)}` : tierInWords
}

export const isReachable = ({ cluster }: Site): boolean => cluster.state !== 'unavailable'
