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
