import type { Choose } from '../faults/choice.ts'

// Changes of what a control plane keeps, made up one after the other: each names what it changes and what is there
// when it is done, so that afterwards everybody can say what must be there.

/** A request of the API that changes something. */
export interface Change {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  /** The thing that it changes: `sla s0-class-3`. */
  readonly thing: string
  /** What that thing says afterwards; undefined: it is gone. */
  readonly says: string | undefined
  /** By which its row of the audit trail is known. */
  readonly audit: { readonly action: string; readonly what: RegExp; readonly after?: string }
  /** When nobody knows what became of it, its thing is left alone for ever: so it must be one of many. */
  readonly mayStayUnknown: boolean
}

interface Topic {
  readonly name: string
  cluster: string
  moves: number
  /** A move of it that was acknowledged, and has not switched perhaps. */
  moving: string | undefined
}

export interface LaneOptions {
  /** Begins the names of all that is its own. */
  readonly name: string
  readonly clusters: readonly string[]
  /** Its tenant's home, and the one whose labels it writes: no other lane does. */
  readonly home: string
  readonly choose: Choose
}

const topicsMax = 6
const movesMax = 3

/** One after the other: the next change is made up when it is known what became of the last. */
export class Lane {
  readonly tenant: string
  readonly #options: LaneOptions
  readonly #slas = new Set<string>()
  readonly #tenants = new Set<string>()
  /** Ids by principal. */
  readonly #tokens = new Map<string, string>()
  readonly #topics = new Map<string, Topic>()
  #made = 0

  constructor(options: LaneOptions) {
    this.#options = options
    this.tenant = options.name
  }

  get home(): string {
    return this.#options.home
  }

  /** The tenant of all its topics. */
  first(): Change {
    return { ...this.#putTenant(this.tenant), mayStayUnknown: false }
  }

  next(): Change {
    const { choose } = this.#options
    const topic = this.#topics.size === 0 ? undefined : choose.one([...this.#topics.values()])
    const kind = choose.number(0, 99)
    if (kind < 10) return this.#label()
    if (kind < 20) return this.#sla()
    if (kind < 30) return this.#otherTenant()
    if (kind < 40) return this.#token()
    if (topic === undefined || (kind < 60 && this.#topics.size < topicsMax)) return this.#create()
    if (kind < 75) return this.#update(topic)
    if (kind < 85 || topic.moves >= movesMax) return this.#delete(topic)
    return this.#move(topic)
  }

  /** A move of the topic that must have switched before the change can be made. */
  before(change: Change): string | undefined {
    const topic = this.#topicOf(change)
    return change.method === 'PATCH' ? undefined : topic?.moving
  }

  acknowledged(change: Change, answer: unknown): void {
    const [kind, name = ''] = change.thing.split(' ')
    const gone = change.says === undefined
    if (kind === 'sla') gone ? this.#slas.delete(name) : this.#slas.add(name)
    if (kind === 'tenant' && name !== this.tenant) gone ? this.#tenants.delete(name) : this.#tenants.add(name)
    if (kind === 'token') {
      const id = (answer as { id?: string } | undefined)?.id
      if (gone) this.#tokens.delete(name)
      // Without it the answer was lost, and with it the secret; then the id is as well.
      else if (id !== undefined) this.#tokens.set(name, id)
    }
    if (kind === 'topic' && gone) this.#topics.delete(name)
    if (change.audit.action === 'topics.create') {
      const { cluster } = (answer as { topic: { cluster: string } }).topic
      this.#topics.set(name, { name, cluster, moves: 0, moving: undefined })
    }
    const topic = this.#topics.get(name)
    if (kind === 'place' && topic !== undefined) {
      topic.cluster = change.says!
      topic.moves++
      topic.moving = moveIn(answer)
    }
  }

  unknown(change: Change): void {
    const [, name = ''] = change.thing.split(' ')
    for (const known of [this.#slas, this.#tenants, this.#tokens, this.#topics]) known.delete(name)
  }

  #topicOf({ thing }: Change): Topic | undefined {
    return this.#topics.get(thing.split(' ')[1] ?? '')
  }

  #mark(): string {
    return `${this.#options.name}-change-${this.#made++}`
  }

  #fresh(kind: string): string {
    return `${this.#options.name}-${kind}-${this.#made}`
  }

  #label(): Change {
    const { home } = this.#options
    const mark = this.#mark()
    return {
      method: 'PATCH',
      path: `clusters/${home}`,
      body: { labels: { change: mark } },
      thing: `cluster ${home}`,
      says: mark,
      audit: { action: 'clusters.update', what: exactly(`cluster ${home}`), after: mark },
      mayStayUnknown: false,
    }
  }

  #sla(): Change {
    const { choose } = this.#options
    const known = [...this.#slas]
    const old = known.length > 0 && choose.number(0, 2) > 0 ? choose.one(known) : undefined
    if (old !== undefined && choose.number(0, 1) === 0) return remove('slas', 'sla', old)
    const name = old ?? this.#fresh('class')
    const mark = this.#mark()
    return put('slas', 'sla', name, { name, description: mark }, mark)
  }

  #otherTenant(): Change {
    const { choose } = this.#options
    const known = [...this.#tenants]
    const old = known.length > 0 && choose.number(0, 2) > 0 ? choose.one(known) : undefined
    if (old !== undefined && choose.number(0, 1) === 0) return remove('tenants', 'tenant', old)
    return this.#putTenant(old ?? this.#fresh('tenant'))
  }

  #token(): Change {
    const { choose } = this.#options
    const known = [...this.#tokens]
    if (known.length > 0 && choose.number(0, 2) === 0) {
      const [principal, id] = choose.one(known)
      return {
        method: 'DELETE',
        path: `tokens/${id}`,
        thing: `token ${principal}`,
        says: undefined,
        audit: { action: 'tokens.revoke', what: exactly(`token ${id}`) },
        mayStayUnknown: true,
      }
    }
    const mark = this.#mark()
    return {
      method: 'POST',
      path: 'tokens',
      body: { principal: mark, role: 'viewer' },
      thing: `token ${mark}`,
      says: mark,
      audit: { action: 'tokens.create', what: /^token \S+$/, after: mark },
      mayStayUnknown: true,
    }
  }

  #putTenant(name: string): Change {
    const mark = this.#mark()
    return put('tenants', 'tenant', name, { name, home: this.#options.home, description: mark }, mark)
  }

  #create(): Change {
    const { choose, clusters } = this.#options
    const name = this.#fresh('topic')
    const mark = this.#mark()
    return {
      method: 'POST',
      path: `tenants/${this.tenant}/topics`,
      body: { name, partitions: choose.number(1, 3), cluster: choose.one(clusters), contact: mark },
      thing: `topic ${name}`,
      says: mark,
      audit: { action: 'topics.create', what: exactly(`topic ${name}`) },
      mayStayUnknown: true,
    }
  }

  #update({ name }: Topic): Change {
    const mark = this.#mark()
    return {
      method: 'PATCH',
      path: `tenants/${this.tenant}/topics/${name}`,
      body: { contact: mark },
      thing: `topic ${name}`,
      says: mark,
      audit: { action: 'topics.update', what: exactly(`topic ${name}`), after: mark },
      mayStayUnknown: true,
    }
  }

  #delete({ name }: Topic): Change {
    const { tenant } = this
    return {
      method: 'DELETE',
      path: `tenants/${tenant}/topics/${name}`,
      thing: `topic ${name}`,
      says: undefined,
      audit: { action: 'topics.delete', what: exactly(`topic ${name}`) },
      mayStayUnknown: true,
    }
  }

  #move({ name, cluster, moves }: Topic): Change {
    const { choose, clusters } = this.#options
    const to = choose.one(clusters.filter((other) => other !== cluster))
    return {
      method: 'POST',
      path: 'migrations',
      body: { tenant: this.tenant, topics: [name], to },
      thing: `place ${name} ${moves}`,
      says: to,
      audit: { action: 'migrations.start', what: new RegExp(`^migration \\S+ of topic ${name}$`) },
      mayStayUnknown: true,
    }
  }
}

export function moveIn(answer: unknown): string {
  return (answer as { migrations: [{ id: string }] }).migrations[0].id
}

function put(collection: string, kind: string, name: string, body: unknown, mark: string): Change {
  return {
    method: 'PUT',
    path: `${collection}/${name}`,
    body,
    thing: `${kind} ${name}`,
    says: mark,
    audit: { action: `${collection}.put`, what: exactly(`${kind} ${name}`), after: mark },
    mayStayUnknown: true,
  }
}

function remove(collection: string, kind: string, name: string): Change {
  return {
    method: 'DELETE',
    path: `${collection}/${name}`,
    thing: `${kind} ${name}`,
    says: undefined,
    audit: { action: `${collection}.remove`, what: exactly(`${kind} ${name}`) },
    mayStayUnknown: true,
  }
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)
}
