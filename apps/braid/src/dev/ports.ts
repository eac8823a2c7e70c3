import { createServer } from 'node:net'
import { type Address, formatAddress } from '@braid/routing-model'
import { Failure } from '../failure.ts'

/**
 * Fails when nobody could listen on `address` now. Asked before anything slow or visible happens; the one
 * who listens in earnest finds out again, so a race costs a later error and nothing else.
 */
export async function checkFree(address: Address, what: string, option: string): Promise<void> {
  if (address.port === 0) return
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: address.host, port: address.port, exclusive: true }, resolve)
    })
  } catch (error) {
    throw listenFailure(error, address, what, option)
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'this user may not use the port',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be resolved',
}

/** What a failed listen() means for the person who chose the address. The error may name a port after it. */
function listenFailure(error: unknown, address: Address, what: string, option: string): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const port = error instanceof Error && 'port' in error ? Number(error.port) : address.port
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error))
  return new Failure(`${what} cannot listen on ${formatAddress({ ...address, port })}: ${reason}`, {
    remedy: `choose another address with ${option} host:port${code === 'EADDRINUSE' ? ', or stop what listens there' : ''}`,
    cause: error,
  })
}

/** Why a server of ours did not start: its address, where one of the causes says so, or its own words. */
export function startFailure(error: unknown, address: Address, what: string, option: string): Failure {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && String(cause.code) in reasons) return listenFailure(cause, address, what, option)
  }
  return new Failure(`${what} did not start: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  })
}
