import { type NetConnectOpts, Socket } from 'node:net'

/** By address, `host:port`: the address that connections to it really go to, such as a link that a test breaks. */
export type Detours = Readonly<Record<string, string>>

/**
 * From here on this process's connections take the detours. Brokers advertise their own addresses, so a link that
 * stands between one process and a cluster cannot be told of by configuration; and another process is not to see it.
 */
export function takeDetours(detours: Detours): void {
  if (Object.keys(detours).length === 0) return
  const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket
  const detouring = function (this: Socket, ...args: unknown[]): Socket {
    // net.connect and tls.connect hand over [options, listener] in one array, everybody else options first.
    const first: unknown = args[0]
    const options = (Array.isArray(first) ? first[0] : first) as Partial<NetConnectOpts> | undefined
    if (typeof options === 'object' && options !== null && 'port' in options) {
      const to = detours[`${options.host ?? '127.0.0.1'}:${options.port}`]
      if (to !== undefined) {
        const at = to.lastIndexOf(':')
        Object.assign(options, { host: to.slice(0, at), port: Number(to.slice(at + 1)) })
      }
    }
    return connect.apply(this, args)
  }
  Socket.prototype.connect = detouring as typeof Socket.prototype.connect
}
