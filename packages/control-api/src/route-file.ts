// The last route table on disk, so that an access point starts while the control plane is away.
import { readFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type RouteSnapshot, RouteTable, snapshotFor, snapshotSlices } from '@braid/routing-model'

export interface StoredRoutes {
  readonly table: RouteTable
  /** What the feed is resumed with; undefined when it was of other tenants. */
  readonly token: string | undefined
}

const format = 1

/**
 * Undefined when there is none. A file that cannot be used is as good as none, and `onBad` hears why. One of more
 * tenants than are asked for serves as well, with those that are.
 */
export function readRouteFile(
  file: string,
  tenants: readonly string[] | undefined,
  onBad: (reason: string) => void,
): StoredRoutes | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onBad(`${file}: ${(error as Error).message}`)
    return undefined
  }
  try {
    const stored = JSON.parse(text) as {
      format: unknown
      token: unknown
      tenants?: readonly string[]
      routes: RouteSnapshot
    }
    if (stored.format !== format || typeof stored.token !== 'string') throw new Error('of another format')
    const { routes, token } = stored
    const held = stored.tenants === undefined ? undefined : new Set(stored.tenants)
    if (held !== undefined && !tenants?.every((tenant) => held.has(tenant))) {
      throw new Error(`it holds the routes of ${[...held].join(', ')} only`)
    }
    if (tenants === undefined) return { table: RouteTable.fromJSON(routes), token }
    const asked = new Set(tenants)
    const table = RouteTable.fromJSON(snapshotFor(routes, asked))
    return { table, token: held?.size === asked.size ? token : undefined }
  } catch (error) {
    onBad(`${file}: ${(error as Error).message}; it is replaced by the next route table`)
    return undefined
  }
}

/** Of the time, at most so much goes into writing: a large table takes seconds, and changes often. */
const writingShareMax = 1 / 20

/** Writes at most one at a time, and only the newest of what came meanwhile; never in the way of a change. */
export class RouteFile {
  private readonly file: string
  private readonly tenants: readonly string[] | undefined
  private debounceMs: number
  private readonly debounceMinMs: number
  private readonly onError: (error: Error) => void
  private next: (() => StoredRoutes) | undefined
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<void> | undefined

  constructor(
    file: string,
    tenants: readonly string[] | undefined,
    debounceMs: number,
    onError: (error: Error) => void,
  ) {
    this.file = file
    this.tenants = tenants
    this.debounceMs = this.debounceMinMs = debounceMs
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
    const startedMs = performance.now()
    this.writing = this.write(routes())
      .catch((error: Error) => this.onError(error))
      .finally(() => {
        this.debounceMs = Math.max(this.debounceMinMs, (performance.now() - startedMs) / writingShareMax)
        this.writing = undefined
        if (this.next !== undefined) this.save(this.next)
      })
  }

  private async write({ table, token }: StoredRoutes): Promise<void> {
    // Taken now: the token says of which version it is.
    const slices = snapshotSlices(table)
    await mkdir(dirname(this.file), { recursive: true })
    const fresh = `${this.file}.${process.pid}.new`
    try {
      const handle = await open(fresh, 'w', 0o600)
      try {
        await this.writeInto(handle, token, slices)
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

  private async writeInto(
    handle: FileHandle,
    token: string | undefined,
    slices: Iterable<string>,
  ): Promise<void> {
    const head = JSON.stringify({ format, token, tenants: this.tenants })
    await handle.appendFile(`${head.slice(0, -1)},"routes":`)
    for (const slice of slices) await handle.appendFile(slice)
    await handle.appendFile('}')
  }
}
