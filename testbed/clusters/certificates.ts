import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ClusterError } from './errors.ts'

const run = promisify(execFile)
const OPENSSL_TIMEOUT_MS = 20_000
const VALID_DAYS = '2'
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** A certificate authority of its own, for a test: `name.pem` and `name.key` in the folder. */
export async function makeAuthority(folder: string, name: string): Promise<void> {
  const subject = ['-subj', `/CN=braid test ${name}`]
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
  await openssl(folder, ['req', '-x509', ...NEW_KEY, '-days', VALID_DAYS, ...subject, ...files])
}

/**
 * `name.pem` and `name.key`, for CN=name, by the folder's authority `ca`.
 *
 * @param altNames as openssl has them, `IP:127.0.0.1,DNS:localhost`
 */
export async function issueCertificate(folder: string, name: string, altNames?: string): Promise<void> {
  const request = `${name}.csr`
  await openssl(folder, [
    'req',
    ...NEW_KEY,
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    request,
  ])
  const extensions = `${name}.ext`
  await writeFile(join(folder, extensions), altNames === undefined ? '' : `subjectAltName=${altNames}\n`)
  await openssl(folder, [
    ...['x509', '-req', '-in', request, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-days', VALID_DAYS, '-extfile', extensions, '-out', `${name}.pem`],
  ])
}

async function openssl(folder: string, args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args, { cwd: folder, timeout: OPENSSL_TIMEOUT_MS })
  } catch (cause) {
    throw new ClusterError(
      'NO_OPENSSL',
      `openssl is needed for clusters with TLS: ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}
