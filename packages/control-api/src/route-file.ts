// The last route table on disk, so that an access point starts while the control plane is away.
import { readFileSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type RouteSnapshot, RouteTable } from '@braid/routing-model'

export interface StoredRoutes {
  readonly table: RouteTable
  /** What the feed is resumed with. */
  readonly token: string
}

const format = 1

/** Undefined when there is none. A file that cannot be used is as good as none, and `onBad` hears why. */
export function readRouteFile(file: string, onBad: (reason: string) => void): StoredRoutes | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onBad(`${file}: ${(error as Error).message}`)
    return undefined
  }
  try {
    const stored = JSON.parse(text) as { format: unknown; token: unknown; routes: RouteSnapshot }
    if (stored.format !== format || typeof stored.token !== 'string') throw new Error('of another format')
    return { table: RouteTable.fromJSON(stored.routes), token: stored.token }
  } catch (error) {
    onBad(`${file}: ${(error as Error).message}; it is replaced by the next route table`)
    return undefined
  }
}

/** Writes at most one at a time, and only the newest of what came meanwhile; never in the way of a change. */
export class RouteFile {
  private readonly file: string
  private readonly debounceMs: number
  private readonly onError: (error: Error) => void
  private next: (() => StoredRoutes) | undefined
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<void> | undefined

  constructor(file: string, debounceMs: number, onError: (error: Error) => void) {
    this.file = file
    this.debounceMs = debounceMs
    this.onError = onError
  }

  /** `routes` is called when it is written, not now. */
  save(routes: () => StoredRoutes): void {
    this.next = routes
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.startWriting()
    }, this.debounceMs).unref()
  }

  /** Writes what is waiting. */
  async flush(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    while (this.next !== undefined || this.writing !== undefined) {
      this.startWriting()
      await this.writing
    }
  }

  private startWriting(): void {
    if (this.writing !== undefined) return
    const routes = this.next
    if (routes === undefined) return
    this.next = undefined
    this.writing = this.write(routes())
      .catch((error: Error) => this.onError(error))
      .finally(() => {
        this.writing = undefined
        if (this.next !== undefined) this.save(this.next)
      })
  }

  private async write({ table, token }: StoredRoutes): Promise<void> {
    const text = JSON.stringify({ format, token, routes: table.toJSON() })
    await mkdir(dirname(this.file), { recursive: true })
    const fresh = `${this.file}.${process.pid}.new`
    try {
      const handle = await open(fresh, 'w', 0o600)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(fresh, this.file)
    } catch (error) {
      await rm(fresh, { force: true }).catch(() => {})
      throw error
    }
  }
}
