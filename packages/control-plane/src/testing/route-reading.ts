// For tests: what a reader of the routes is sent, as text, without a socket.
import type { PublishedRoutes } from '../routes/published-routes.ts'
import { RouteAudience } from '../routes/route-audience.ts'

export interface RouteReading {
  /** What it is sent at once. */
  readonly first: string
  stop(): void
}

export function readRoutes(
  published: PublishedRoutes,
  since: string | undefined,
  onText: (text: string) => void = () => {},
): RouteReading {
  const audience = new RouteAudience(published, undefined)
  let version = audience.resumable(since)
  let first: string
  if (version === undefined) {
    const { text } = audience.snapshot('identity', 0)
    first = Buffer.concat(text.chunks).toString()
    version = text.version
  } else first = audience.resumed(version).plain.toString()
  let seen = version
  const more = () => {
    const text: string[] = []
    while (seen < published.table.version) {
      const changes = audience.after(seen)!
      text.push(changes.bytes.plain.toString())
      seen = changes.version
    }
    return text.join('')
  }
  first += more()
  return { first, stop: published.onChange(() => onText(more())) }
}
