import { allPages, type CallInput, call } from './calls.ts'
import { Requester, type RequesterOptions } from './requests.ts'
import type { AccessPoint, AccessPointLease, AccessPointRenewal } from './resources/access-point.ts'
import type { AuditEntry, AuditQuery } from './resources/audit.ts'
import type { Cluster, ClusterRegistration, ClusterUpdate } from './resources/cluster.ts'
import type { Diagnosis } from './resources/doctor.ts'
import type {
  Abandoned,
  Failover,
  FailoverSettings,
  FailoverStart,
  FailoverStarted,
  FailoverStatus,
  FailoverTopic,
  ReturnStart,
} from './resources/failover.ts'
import type { MonitorEventSeen, MonitorReport } from './resources/finding-event.ts'
import type { FleetApplied, FleetInput, FleetPlan } from './resources/fleet.ts'
import type { Lease, LeaseGranted, LeaseRenewal } from './resources/lease.ts'
import type { Migration, MigrationStart } from './resources/migration.ts'
import type {
  DrainStart,
  Operation,
  OperationMove,
  OperationStarted,
  RebalanceStart,
} from './resources/operation.ts'
import type { RequestDecision, TopicRequest, TopicRequestCreation } from './resources/request.ts'
import type { Sla, SlaSpec } from './resources/sla.ts'
import { defaultTenant, type Tenant, type TenantSpec } from './resources/tenant.ts'
import type { Token, TokenCreated, TokenCreation, Whoami } from './resources/token.ts'
import type {
  Topic,
  TopicAdoption,
  TopicCreated,
  TopicCreation,
  TopicSummary,
  TopicUpdate,
} from './resources/topic.ts'
import {
  type FailoverWaitOptions,
  type MigrationWaitOptions,
  type OperationWaitOptions,
  waitForFailover,
  waitForMigration,
  waitForOperation,
} from './waits.ts'

export type ControlPlaneClientOptions = RequesterOptions

/** Of which tenant; `default` when absent. */
export interface InTenant {
  readonly tenant?: string | undefined
}
/** Says what would be done, and does nothing. */
export interface DryRun {
  readonly dryRun?: boolean | undefined
}
/** The latest `limit` rows, at most 1,000; 100 when absent. */
export interface Latest {
  readonly limit?: number | undefined
}

/** What a creation answers that was not a dry run. */
export type TopicMade = TopicCreated & { readonly topic: Topic }

/** Typed calls to a control plane. Every call throws ControlPlaneError and nothing else. Lists come whole. */
export class ControlPlaneClient {
  private readonly http: Requester

  constructor(options: ControlPlaneClientOptions) {
    this.http = new Requester(options)
  }

  readonly clusters = {
    list: (): Promise<Cluster[]> =>
      allPages(
        (after) => call(this.http, 'clusters.list', { query: { limit: 1_000, after } }),
        (page) => page.clusters,
      ),
    get: (cluster: string): Promise<Cluster> => call(this.http, 'clusters.get', { params: { cluster } }),
    register: (body: ClusterRegistration, options?: DryRun): Promise<Cluster> =>
      call(this.http, 'clusters.register', { body, query: dry(options) }),
    update: (cluster: string, body: ClusterUpdate, options?: DryRun): Promise<Cluster> =>
      call(this.http, 'clusters.update', { params: { cluster }, body, query: dry(options) }),
    remove: (cluster: string, options?: DryRun): Promise<void> =>
      call(this.http, 'clusters.remove', { params: { cluster }, query: dry(options) }),
    cordon: (cluster: string, options?: DryRun): Promise<Cluster> =>
      call(this.http, 'clusters.cordon', { params: { cluster }, query: dry(options) }),
    uncordon: (cluster: string, options?: DryRun): Promise<Cluster> =>
      call(this.http, 'clusters.uncordon', { params: { cluster }, query: dry(options) }),
    drain: (cluster: string, body: DrainStart = {}, options?: DryRun): Promise<OperationStarted> =>
      call(this.http, 'clusters.drain', { params: { cluster }, body, query: dry(options) }),
  }

  readonly failovers = {
    /** Gives the cluster up. `failover` of the answer is null after a dry run. */
    start: (cluster: string, body: FailoverStart = {}, options?: DryRun): Promise<FailoverStarted> =>
      call(this.http, 'failovers.start', { params: { cluster }, body, query: dry(options) }),
    /** Takes a cluster that was given up back. */
    return: (cluster: string, body: ReturnStart = {}, options?: DryRun): Promise<FailoverStarted> =>
      call(this.http, 'clusters.return', { params: { cluster }, body, query: dry(options) }),
    list: async ({ limit }: Latest = {}): Promise<Failover[]> =>
      (await call(this.http, 'failovers.list', { query: { limit } })).failovers,
    get: (id: string): Promise<Failover> => call(this.http, 'failovers.get', { params: { id } }),
    topics: (id: string): Promise<FailoverTopic[]> =>
      allPages(
        (after) => call(this.http, 'failovers.topics', { params: { id }, query: { limit: 1_000, after } }),
        (page) => page.topics,
      ),
    /** Asks for it. Refused after SWITCH. */
    cancel: (id: string): Promise<Failover> => call(this.http, 'failovers.cancel', { params: { id } }),
    status: (): Promise<FailoverStatus> => call(this.http, 'failovers.status'),
    configure: (body: Partial<FailoverSettings>): Promise<FailoverSettings> =>
      call(this.http, 'failovers.configure', { body }),
    /** Until it is done; throws what it failed with. Rides out a control plane that is away for a while. */
    wait: (id: string, options: FailoverWaitOptions): Promise<Failover> =>
      waitForFailover(this.http, id, options),
  }

  readonly leases = {
    renew: (id: string, body: LeaseRenewal): Promise<LeaseGranted> =>
      call(this.http, 'leases.renew', { params: { id }, body }),
    end: (id: string): Promise<void> => call(this.http, 'leases.end', { params: { id } }),
    list: (): Promise<Lease[]> =>
      allPages(
        (after) => call(this.http, 'leases.list', { query: { limit: 1_000, after } }),
        (page) => page.leases,
      ),
  }

  readonly monitors = {
    report: (id: string, body: MonitorReport): Promise<{ routeVersion: number; accepted: number }> =>
      call(this.http, 'monitors.report', { params: { id }, body }),
    events: async ({ limit }: Latest = {}): Promise<MonitorEventSeen[]> =>
      (await call(this.http, 'monitors.events', { query: { limit } })).events,
  }

  readonly slas = {
    list: (): Promise<Sla[]> =>
      allPages(
        (after) => call(this.http, 'slas.list', { query: { limit: 1_000, after } }),
        (page) => page.slas,
      ),
    get: (sla: string): Promise<Sla> => call(this.http, 'slas.get', { params: { sla } }),
    put: (body: SlaSpec, options?: DryRun): Promise<Sla> =>
      call(this.http, 'slas.put', { params: { sla: body.name }, body, query: dry(options) }),
    remove: (sla: string, options?: DryRun): Promise<void> =>
      call(this.http, 'slas.remove', { params: { sla }, query: dry(options) }),
  }

  readonly tenants = {
    list: (): Promise<Tenant[]> =>
      allPages(
        (after) => call(this.http, 'tenants.list', { query: { limit: 1_000, after } }),
        (page) => page.tenants,
      ),
    get: (tenant: string): Promise<Tenant> => call(this.http, 'tenants.get', { params: { tenant } }),
    put: (body: TenantSpec, options?: DryRun): Promise<Tenant> =>
      call(this.http, 'tenants.put', { params: { tenant: body.name }, body, query: dry(options) }),
    remove: (tenant: string, options?: DryRun): Promise<void> =>
      call(this.http, 'tenants.remove', { params: { tenant }, query: dry(options) }),
  }

  readonly topics = {
    list: ({ tenant = defaultTenant }: InTenant = {}): Promise<TopicSummary[]> =>
      allPages(
        (after) => call(this.http, 'topics.list', { params: { tenant }, query: { limit: 1_000, after } }),
        (page) => page.topics,
      ),
    get: (
      topic: string,
      { tenant = defaultTenant, logEnds = false }: InTenant & { logEnds?: boolean } = {},
    ): Promise<Topic> =>
      call(this.http, 'topics.get', {
        params: { tenant, topic },
        query: { logEnds: logEnds ? 'true' : 'false' },
      }),
    /** `topic` of the answer is null after a dry run. */
    create: async <D extends boolean = false>(
      body: TopicCreation,
      { tenant = defaultTenant, ...options }: InTenant & { readonly dryRun?: D | undefined } = {},
    ): Promise<D extends false ? TopicMade : TopicCreated> =>
      (await call(this.http, 'topics.create', {
        params: { tenant },
        body,
        query: dry(options),
      })) as D extends false ? TopicMade : TopicCreated,
    update: (
      topic: string,
      body: TopicUpdate,
      { tenant = defaultTenant, ...options }: InTenant & DryRun = {},
    ): Promise<Topic> =>
      call(this.http, 'topics.update', { params: { tenant, topic }, body, query: dry(options) }),
    adopt: (body: TopicAdoption, { tenant = defaultTenant }: InTenant = {}): Promise<Topic> =>
      call(this.http, 'topics.adopt', { params: { tenant }, body }),
    /** Names the price of giving up a lost loglet, and does it when `confirm` says so. */
    abandon: (
      topic: string,
      loglet: number,
      { tenant = defaultTenant, confirm = false }: InTenant & { confirm?: boolean } = {},
    ): Promise<Abandoned> =>
      call(this.http, 'topics.abandon', {
        params: { tenant, topic, loglet: String(loglet) },
        body: { confirm },
        query: { dryRun: confirm ? 'false' : 'true' },
      }),
    delete: (topic: string, { tenant = defaultTenant, ...options }: InTenant & DryRun = {}): Promise<void> =>
      call(this.http, 'topics.delete', { params: { tenant, topic }, query: dry(options) }),
  }

  readonly requests = {
    create: (
      body: TopicRequestCreation,
      { tenant = defaultTenant, ...options }: InTenant & DryRun = {},
    ): Promise<TopicRequest> =>
      call(this.http, 'requests.create', { params: { tenant }, body, query: dry(options) }),
    list: async ({ tenant, limit }: InTenant & Latest = {}): Promise<TopicRequest[]> =>
      (await call(this.http, 'requests.list', { query: { tenant, limit } })).requests,
    get: (id: string): Promise<TopicRequest> => call(this.http, 'requests.get', { params: { id } }),
    approve: (id: string, body: RequestDecision = {}): Promise<TopicRequest> =>
      call(this.http, 'requests.approve', { params: { id }, body }),
    deny: (id: string, body: RequestDecision = {}): Promise<TopicRequest> =>
      call(this.http, 'requests.deny', { params: { id }, body }),
    withdraw: (id: string): Promise<TopicRequest> => call(this.http, 'requests.withdraw', { params: { id } }),
  }

  readonly migrations = {
    /** One record a topic; all of one group. */
    start: async (body: MigrationStart): Promise<[Migration, ...Migration[]]> =>
      (await call(this.http, 'migrations.start', { body })).migrations as [Migration, ...Migration[]],
    get: (id: string): Promise<Migration> => call(this.http, 'migrations.get', { params: { id } }),
    list: async ({ tenant, limit }: InTenant & Latest = {}): Promise<Migration[]> =>
      (await call(this.http, 'migrations.list', { query: { tenant, limit } })).migrations,
    /** Asks for it: the group is undone in the background, wait() says when. Refused after SWITCH. */
    cancel: (id: string): Promise<Migration> => call(this.http, 'migrations.cancel', { params: { id } }),
    pause: (id: string): Promise<Migration> => call(this.http, 'migrations.pause', { params: { id } }),
    resume: (id: string): Promise<Migration> => call(this.http, 'migrations.resume', { params: { id } }),
    retry: async (id: string): Promise<Migration[]> =>
      (await call(this.http, 'migrations.retry', { params: { id } })).migrations,
    /** Throws what the migration failed with. Rides out a control plane that is away for a while. */
    wait: (id: string, options: MigrationWaitOptions): Promise<Migration> =>
      waitForMigration(this.http, id, options),
  }

  readonly operations = {
    rebalance: (body: RebalanceStart = {}, options?: DryRun): Promise<OperationStarted> =>
      call(this.http, 'operations.rebalance', { body, query: dry(options) }),
    list: async ({ limit }: Latest = {}): Promise<Operation[]> =>
      (await call(this.http, 'operations.list', { query: { limit } })).operations,
    get: (id: string): Promise<Operation> => call(this.http, 'operations.get', { params: { id } }),
    moves: (id: string): Promise<OperationMove[]> =>
      allPages(
        (after) => call(this.http, 'operations.moves', { params: { id }, query: { limit: 1_000, after } }),
        (page) => page.moves,
      ),
    pause: (id: string): Promise<Operation> => call(this.http, 'operations.pause', { params: { id } }),
    resume: (id: string): Promise<Operation> => call(this.http, 'operations.resume', { params: { id } }),
    cancel: (id: string): Promise<Operation> => call(this.http, 'operations.cancel', { params: { id } }),
    retry: (id: string): Promise<Operation> => call(this.http, 'operations.retry', { params: { id } }),
    /** Until it is done, or paused when asked to end there; throws what it failed with. */
    wait: (id: string, options: OperationWaitOptions): Promise<Operation> =>
      waitForOperation(this.http, id, options),
  }

  readonly fleet = {
    export: (): Promise<{ revision: string; fleet: unknown }> => call(this.http, 'fleet.export'),
    plan: (fleet: FleetInput, { prune = false }: { prune?: boolean } = {}): Promise<FleetPlan> =>
      call(this.http, 'fleet.plan', { body: { fleet, prune } }),
    /** Refused STALE_PLAN when the world is no longer that of the plan. */
    apply: (
      fleet: FleetInput,
      { basedOn, prune = false }: { basedOn: string; prune?: boolean },
    ): Promise<FleetApplied> => call(this.http, 'fleet.apply', { body: { fleet, basedOn, prune } }),
  }

  readonly accessPoints = {
    renew: ({ id, ...body }: AccessPointRenewal & { id: string }): Promise<AccessPointLease> =>
      call(this.http, 'accessPoints.renew', { params: { id }, body }),
    /** Leaves the routes at once, instead of when the lease ends. */
    remove: (id: string): Promise<void> => call(this.http, 'accessPoints.remove', { params: { id } }),
    list: (): Promise<AccessPoint[]> =>
      allPages(
        (after) => call(this.http, 'accessPoints.list', { query: { limit: 1_000, after } }),
        (page) => page.accessPoints,
      ),
  }

  readonly tokens = {
    create: (body: TokenCreation): Promise<TokenCreated> => call(this.http, 'tokens.create', { body }),
    list: (): Promise<Token[]> =>
      allPages(
        (after) => call(this.http, 'tokens.list', { query: { limit: 1_000, after } }),
        (page) => page.tokens,
      ),
    revoke: (id: string): Promise<void> => call(this.http, 'tokens.revoke', { params: { id } }),
  }

  readonly audit = {
    /** The latest first. */
    list: async (query: AuditQuery = {}): Promise<{ entries: AuditEntry[]; next: string | null }> =>
      call(this.http, 'audit.list', { query } as CallInput<'audit.list'>),
  }

  whoami(): Promise<Whoami> {
    return call(this.http, 'whoami.get')
  }

  /** Looks at every cluster: may take as long as the slowest of them. */
  doctor(): Promise<Diagnosis> {
    return call(this.http, 'doctor.run', { extraMs: 60_000 })
  }

  backup(file: string): Promise<{ file: string; bytes: number }> {
    return call(this.http, 'backup.create', { body: { file }, extraMs: 60_000 })
  }
}

function dry(options: DryRun | undefined): { dryRun: 'true' | 'false' } {
  return { dryRun: options?.dryRun === true ? 'true' : 'false' }
}
