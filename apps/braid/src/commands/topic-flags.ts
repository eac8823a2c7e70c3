// What one can wish of a topic, by `braid topic create` and `braid request topic` alike.
import { shortText, type TopicSpec } from '@braid/control-api'
import type { Command } from 'commander'
import { optionOf } from './names.ts'
import { fits, integer, keyValue, rateOption } from './options.ts'

export interface WishFlags {
  partitions?: number
  sla?: string
  replicationFactor?: number
  config?: Record<string, string>
  bytesIn?: number
  readers?: number
  owner?: string
  contact?: string
}

/** Divides well among 2, 3, 4, 6 and 12 consumers. */
export const defaultPartitions = 12

export const withWish = (command: Command): Command =>
  command
    .option(
      '--partitions <count>',
      `how many partitions (default: ${defaultPartitions})`,
      integer(1, 100_000),
    )
    .option(
      '--replication-factor <count>',
      "default: the SLA class's, else the cluster's own",
      integer(1, 32),
    )
    .addOption(optionOf('--sla', 'sla', 'its SLA class, which decides what clusters it can be on'))
    .option('--config <name=value>', 'a topic config, as Kafka names it; may be repeated', keyValue)
    .option('--bytes-in <rate>', 'what producers will write, as 5MB/s, 5MiB/s, 300KB/s', rateOption)
    .option('--readers <count>', 'consumer groups that read all of it (default: 1)', integer(0, 100_000))
    .option('--owner <text>', 'whose it is', fits(shortText))
    .option('--contact <text>', 'whom to ask', fits(shortText))

export const wishOf = (name: string, flags: WishFlags): Omit<TopicSpec, 'cluster'> => ({
  name,
  partitions: flags.partitions ?? defaultPartitions,
  ...(flags.sla !== undefined && { sla: flags.sla }),
  ...(flags.replicationFactor !== undefined && { replicationFactor: flags.replicationFactor }),
  ...(flags.config !== undefined && { configs: flags.config }),
  ...((flags.bytesIn !== undefined || flags.readers !== undefined) && {
    expected: {
      ...(flags.bytesIn !== undefined && { bytesInPerSecond: flags.bytesIn }),
      ...(flags.readers !== undefined && { readers: flags.readers }),
    },
  }),
  ...(flags.owner !== undefined && { owner: flags.owner }),
  ...(flags.contact !== undefined && { contact: flags.contact }),
})
