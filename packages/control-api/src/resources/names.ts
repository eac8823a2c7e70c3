// What may be called what. Checked once, at the boundary; inside, a name is a name.
import { z } from 'zod'

/** Clusters are named by operators, in commands and in metrics: short, and without characters to quote. */
export const clusterName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'a cluster name has 1 to 64 letters, digits, ".", "_" or "-", and starts with a letter or digit',
  )

/** Kafka's own rule, so that every client can say the name. Kafka's internal topics are not ours to serve. */
export const topicName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,249}$/, 'a topic name has 1 to 249 letters, digits, ".", "_" or "-"')
  .refine((name) => name !== '.' && name !== '..', 'a topic cannot be called "." or ".."')
  .refine((name) => !internalTopics.has(name), "the topic is one of Kafka's own and stays with its cluster")

const internalTopics: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  '__cluster_metadata',
])

/** Tenants and SLA classes are named by people, in commands, files and addresses. */
export const tenantName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'a tenant name has 1 to 63 lower case letters, digits or "-", and starts and ends with a letter or digit',
  )

export const slaName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'an SLA class is named with 1 to 63 lower case letters, digits or "-", and starts and ends with a letter or digit',
  )

/** `user:ann`, `service:billing`, an OIDC subject: who does something, as the audit trail says it. */
export const principalName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:@/|+-]{0,127}$/,
    'a principal has 1 to 128 letters, digits, ".", "_", ":", "@", "/", "|", "+" or "-", and starts with a letter or digit',
  )

/** Of migrations, operations, requests, tokens: made by the control plane. */
export const recordId = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'an id has 1 to 64 letters, digits or "-"')

/** `region: eu-1`; the label `failure-domain` says what fails together. */
export const labels = z
  .record(
    z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9./-]{0,61}[a-z0-9])?$/, 'a label is named like region or failure-domain'),
    z
      .string()
      .regex(
        /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
        'a label value has 1 to 63 letters, digits, ".", "_" or "-"',
      ),
  )
  .refine((all) => Object.keys(all).length <= 32, 'at most 32 labels')

/** Text that people wrote: bounded, without control characters (a terminal would obey them). */
export const shortText = z
  .string()
  .min(1)
  .max(200)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it keeps out; JSON Schema knows no \p{Cc}
  .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/, 'text without control characters')

export const bytesPerSecond = z.int().min(0).max(1_000_000_000_000)

export const accessPointId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
    'an access point id has 1 to 128 letters, digits, ".", "_", ":" or "-", and starts with a letter or digit',
  )

/** `host:port`, `[::1]:9092` for IPv6. */
export const hostPort = z
  .string()
  .max(261)
  .regex(
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}$/,
    'an address is host:port',
  )
  .refine((address) => {
    const port = Number(address.slice(address.lastIndexOf(':') + 1))
    return port >= 1 && port <= 65_535
  }, 'a port is 1 to 65535')

/** Also taken as Kafka clients write it, `a:9092,b:9092`. */
export const bootstrapAddresses = z
  .union([z.string(), z.array(z.string()).max(100)])
  .transform((value) =>
    typeof value === 'string' ? value.split(',').map((address) => address.trim()) : value,
  )
  .pipe(z.array(hostPort).min(1).max(100))

/** Moments are RFC 3339 in UTC, with milliseconds. */
export const moment = z.iso.datetime()

/** Offsets are 64 bit, so they travel as decimal digits. */
export const offset = z.string().regex(/^-?\d{1,19}$/)
