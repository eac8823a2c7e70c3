// Where a process stands towards the others on its store: it leads, or it follows the one that does.
import type { Answer, Role } from '../api/front.ts'
import type { Store } from '../store/store.ts'
import type { Term } from './term.ts'

export interface SeatParts {
  /** Of this process. */
  readonly id: string
  /** Where others reach it. */
  readonly url: string
  beginTerm(store: Store): Promise<Term>
}

export interface Seat {
  role(): Role
  /** A store to look things up in, its own or the leader's; undefined while there is none. */
  reading(): Store | undefined
  /** Who answers what the front does not. */
  rest(): Answer
  /** Resolves when there is a leader, or it is clear that it takes a while. */
  start(parts: SeatParts): Promise<void>
  backup(file: string): Promise<void>
  close(): Promise<void>
}

export const stopping = new Error('the control plane is stopping')
