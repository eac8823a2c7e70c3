import type { Answer, Role } from '../api/front.ts'
import { catchUp } from '../routes/catch-up.ts'
import type { PublishedRoutes } from '../routes/published-routes.ts'
import { openSqlite } from '../store/sqlite.ts'
import { Store } from '../store/store.ts'
import { type Seat, type SeatParts, stopping } from './seat.ts'
import type { Term } from './term.ts'

/** SQLite has one process, which leads from its start to its end. */
export class SoleSeat implements Seat {
  private readonly store: Store
  private readonly begun = Promise.withResolvers<Term>()
  private term: Term | undefined

  private constructor(store: Store) {
    this.store = store
    // Those who wait for it hear it too.
    this.begun.promise.catch(() => {})
  }

  /** Rejects when another process has the file. */
  static async open(file: string, published: PublishedRoutes): Promise<SoleSeat> {
    const store = await Store.open(openSqlite(file))
    await catchUp(store, published)
    return new SoleSeat(store)
  }

  role(): Role {
    return { role: 'leader', term: this.term?.number ?? 0 }
  }

  reading(): Store {
    return this.store
  }

  rest(): Answer {
    if (this.term !== undefined) return this.term.answer
    // It takes a few milliseconds.
    return (request, response) =>
      void this.begun.promise.then(
        (term) => term.answer(request, response),
        () => response.destroy(),
      )
  }

  async start({ beginTerm }: SeatParts): Promise<void> {
    try {
      this.term = await beginTerm(this.store)
      this.begun.resolve(this.term)
    } catch (error) {
      this.begun.reject(error)
      throw error
    }
  }

  backup(file: string): Promise<void> {
    return this.store.backup(file)
  }

  async close(): Promise<void> {
    this.begun.reject(stopping)
    await this.term?.end(stopping)
    await this.store.close()
  }
}
