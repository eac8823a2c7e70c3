import { createServer } from 'node:net'
import { ClusterError } from './errors.ts'

/**
 * Ports are chosen before a broker starts, because it must advertise its own, and are used again when it restarts.
 * They lie below the ranges that systems give to outgoing connections: nobody takes one while its broker is down.
 */
const FIRST_PORT = 20_000
const LAST_PORT = 29_999
const given = new Set<number>()

export async function choosePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let attempts = 0; ports.length < count; attempts++) {
    if (attempts > 1_000)
      throw new ClusterError('PORT_TAKEN', `no free port on 127.0.0.1 in ${FIRST_PORT}-${LAST_PORT}`)
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1))
    if (given.has(port) || !(await portIsFree(port))) continue
    given.add(port)
    ports.push(port)
  }
  return ports
}

/** The first of as many free ports. */
export async function choosePortsInARow(count: number): Promise<number> {
  for (let attempts = 0; attempts < 1_000; attempts++) {
    const first = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 2 - count))
    const row = Array.from({ length: count }, (_, index) => first + index)
    if (row.some((port) => given.has(port))) continue
    for (const port of row) given.add(port)
    if ((await Promise.all(row.map(portIsFree))).every(Boolean)) return first
    for (const port of row) given.delete(port)
  }
  throw new ClusterError(
    'PORT_TAKEN',
    `no ${count} free ports in a row on 127.0.0.1 in ${FIRST_PORT}-${LAST_PORT}`,
  )
}

export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
