// Arguments and options that name things. The word in angle brackets is also what shell completion goes by.
import {
  accessPointId,
  clusterName,
  principalName,
  recordId,
  slaName,
  tenantName,
  topicName,
} from '@braid/control-api'
import { Argument, Option } from 'commander'
import { fits } from './options.ts'

const named = {
  cluster: fits(clusterName),
  topic: fits(topicName),
  sla: fits(slaName),
  tenant: fits(tenantName),
  id: fits(recordId),
  'access-point': fits(accessPointId),
  principal: fits(principalName),
} as const

export type Named = keyof typeof named

export const argumentOf = (kind: Named, description?: string): Argument =>
  new Argument(`<${kind}>`, description).argParser(named[kind])

export const optionOf = (flag: string, kind: Named, description: string): Option =>
  new Option(`${flag} <${kind}>`, description).argParser(named[kind])

export const parserOf = (kind: Named): ((text: string) => string) => named[kind]
