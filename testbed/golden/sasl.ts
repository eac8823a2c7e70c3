import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { saslAuthenticate, saslHandshake } from '@braid/kafka-protocol'
import kafkajs from 'kafkajs'
import { type AccessDescription, ADMIN, kafkaJsSecurity } from '../clusters/access.ts'
import { Caller } from './caller.ts'
import type { RealClient } from './clients.ts'

/** Who says who they are, to a listener with SASL and without TLS. */
export function saslClients(access: AccessDescription): RealClient[] {
  const kafkaJs: RealClient = {
    name: 'KafkaJS 2.2.4',
    async run(address) {
      const kafka = new kafkajs.Kafka({
        brokers: [address],
        clientId: 'kafkajs',
        logLevel: kafkajs.logLevel.NOTHING,
        ...kafkaJsSecurity(access),
      })
      const admin = kafka.admin()
      await admin.connect()
      await admin.disconnect()
    },
  }
  const us: RealClient = {
    name: 'braid',
    async run(address) {
      const password = readFileSync(join(access.folder, `${ADMIN}.password`), 'utf8').trim()
      for (let version = saslAuthenticate.minVersion; version <= saslAuthenticate.maxVersion; version++) {
        const caller = await Caller.connect(address)
        await caller.call(saslHandshake, saslHandshake.maxVersion, { mechanism: 'PLAIN' })
        await caller.call(saslAuthenticate, version, { authBytes: Buffer.from(`\0${ADMIN}\0${password}`) })
        caller.close()
      }
    },
  }
  return [kafkaJs, us]
}
