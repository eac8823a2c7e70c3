// A process full of subscribers to the route feed: raw sockets that look for versions, and nothing else, because ten
// thousand real clients would need the machine for themselves; and a few real clients, to see that tables agree.
import { connect, type Socket } from 'node:net'
import { RouteFeed } from '@braid/control-api'
import type { SubscriberOrder, SubscriberReport } from './route-subscribers.ts'
import { digestOf } from './table-digest.ts'

const connectingMax = 50
const id = Buffer.from('\nid: ')

const sockets: Socket[] = []
const feeds: RouteFeed[] = []
/** By version, how many sockets have got there. */
const reached = new Map<number, number>()

const report = (message: SubscriberReport) => process.send?.(message)
const nowNs = () => process.hrtime.bigint().toString()

process.on('message', (order: SubscriberOrder) => {
  obey(order).catch((error: Error) => report({ kind: 'failed', reason: error.stack ?? error.message }))
})
process.on('disconnect', () => process.exit())

async function obey(order: SubscriberOrder): Promise<void> {
  switch (order.kind) {
    case 'subscribe': {
      const { url, sockets: wanted, feeds: real, compression } = order
      let left = wanted
      const more = async () => {
        while (left-- > 0) sockets.push(await subscribe(new URL(url), wanted))
      }
      await Promise.all(Array.from({ length: connectingMax }, more))
      for (let i = 0; i < real; i++) {
        const feed = new RouteFeed({ url, compression, onChange: () => {} })
        await feed.start()
        feeds.push(feed)
      }
      report({ kind: 'subscribed', atNs: nowNs() })
      return
    }
    case 'tables':
      report({
        kind: 'tables',
        tables: feeds.map(({ table }) => ({ version: table.version, digest: digestOf(table) })),
      })
  }
}

/** Resolves with the first event. */
function subscribe(url: URL, all: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname)
    socket.on('error', reject)
    socket.on('close', () => report({ kind: 'failed', reason: 'a subscriber was cut off' }))
    socket.write(`GET /v1/routes HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`)
    // The end of the last chunk, where an id may begin.
    let rest: Buffer = Buffer.alloc(0)
    let version = -1
    socket.on('data', (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const at = bytes.lastIndexOf(id)
      const end = at < 0 ? -1 : bytes.indexOf('\n', at + id.length)
      rest = at >= 0 && end < 0 ? bytes.subarray(at) : bytes.subarray(Math.max(end, bytes.length - id.length))
      if (end < 0) return
      const text = bytes.toString('latin1', at + id.length, end)
      const now = Number(text.slice(text.lastIndexOf(':') + 1))
      if (now <= version) return
      if (version < 0) resolve(socket)
      // A batch of changes is there as a whole.
      for (let passed = Math.max(version + 1, now - 10); passed <= now; passed++) arrived(passed, all)
      version = now
    })
  })
}

function arrived(version: number, all: number): void {
  const count = (reached.get(version) ?? 0) + 1
  reached.set(version, count)
  if (count === all) report({ kind: 'reached', version, atNs: nowNs() })
}
