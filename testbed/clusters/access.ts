import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Right } from '@braid/kafka-connection'
import type { ClusterSecurity, SaslMechanism, SecurityProtocol } from '@braid/routing-model'
import kafkajs, { type KafkaConfig } from 'kafkajs'
import { issueCertificate, makeAuthority } from './certificates.ts'
import { ClusterError } from './errors.ts'

/** How clients of a cluster say who they are: `ssl` by certificates, the others by passwords. */
export type SecuredBy = 'sasl-plaintext' | 'sasl-ssl' | 'ssl'

/** May do everything. */
export const ADMIN = 'admin'

/** Where a cluster's users, passwords and certificates are. Plain data, for other processes. */
export interface AccessDescription {
  readonly securedBy: SecuredBy
  /** `ca.pem`, and for each user `name.password`, `name.pem` and `name.key` */
  readonly folder: string
  readonly users: readonly string[]
}

/** What `access` needs of a cluster. */
interface Secured {
  readonly name: string
  readonly bootstrap: string
  readonly description: { readonly access?: AccessDescription | undefined }
}

const protocols: Readonly<Record<SecuredBy, SecurityProtocol>> = {
  'sasl-plaintext': 'SASL_PLAINTEXT',
  'sasl-ssl': 'SASL_SSL',
  ssl: 'SSL',
}

/** Writes passwords and certificates for admin and these users, and for the brokers, to a new folder. */
export async function makeAccess(
  folder: string,
  securedBy: SecuredBy,
  names: readonly string[],
): Promise<AccessDescription> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const users = [ADMIN, ...names]
  for (const user of users) {
    const password = randomBytes(18).toString('base64url')
    await writeFile(join(folder, `${user}.password`), `${password}\n`, { mode: 0o600 })
  }
  if (securedBy !== 'sasl-plaintext') {
    await makeAuthority(folder, 'ca')
    await issueCertificate(folder, 'broker', 'IP:127.0.0.1,DNS:localhost,DNS:broker.test')
  }
  if (securedBy === 'ssl') for (const user of users) await issueCertificate(folder, user)
  return { securedBy, folder, users }
}

/** Broker properties of the listener CLIENT, through which all but the brokers themselves come. */
export function accessProperties(access: AccessDescription): Record<string, string> {
  const listener = (properties: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [`listener.name.client.${key}`, value]),
    )
  return {
    // The listeners of the brokers and controllers are on the loopback interface or in a network of their own.
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${ADMIN};User:ANONYMOUS`,
    ...(access.securedBy !== 'ssl' && listener(saslProperties(access))),
    ...(access.securedBy !== 'sasl-plaintext' && listener(tlsProperties(access))),
  }
}

/** Value of `listener.security.protocol.map` for CLIENT. */
export function clientProtocol({ securedBy }: AccessDescription): SecurityProtocol {
  return protocols[securedBy]
}

/** What a user needs on topics that move; to give one more partitions it needs Alter as well. */
export const topicOperations = [
  'Create',
  'Delete',
  'Describe',
  'DescribeConfigs',
  'AlterConfigs',
  'Read',
  'Write',
] as const

/** Arguments of `kafka-storage format` that make the users known to SCRAM. */
export function scramArguments(access: AccessDescription): string[] {
  if (access.securedBy === 'ssl') return []
  return access.users.flatMap((user) =>
    scramMechanisms.flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${user},password=${passwordOf(access, user)}]`,
    ]),
  )
}

/** Arguments of `kafka-configs` that do the same for one user on a running cluster: a run a mechanism, as it takes no two. */
export function scramConfigArguments(access: AccessDescription, user: string): string[][] {
  return scramMechanisms.map((mechanism) => [
    ...['--alter', '--entity-type', 'users', '--entity-name', user],
    ...['--add-config', `${mechanism}=[password=${passwordOf(access, user)}]`],
  ])
}

const scramMechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

function saslProperties(access: AccessDescription): Record<string, string> {
  const users = access.users.map((user) => `user_${user}="${passwordOf(access, user)}"`).join(' ')
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  return {
    'sasl.enabled.mechanisms': ['PLAIN', ...scramMechanisms].join(','),
    'plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
    ...Object.fromEntries(scramMechanisms.map((name) => [`${name.toLowerCase()}.sasl.jaas.config`, scram])),
  }
}

function tlsProperties({ securedBy, folder }: AccessDescription): Record<string, string> {
  // On one line: Kafka takes any space between the parts, and so do property files and environments.
  const pem = (file: string) => readFileSync(join(folder, file), 'utf8').trim().replaceAll('\n', ' ')
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.certificate.chain': pem('broker.pem'),
    'ssl.keystore.key': pem('broker.key'),
    ...(securedBy === 'ssl' && {
      'ssl.client.auth': 'required',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': pem('ca.pem'),
      'ssl.principal.mapping.rules': 'RULE:^CN=([A-Za-z0-9-]+)$/$1/',
    }),
  }
}

/** How a user connects to a cluster; undefined when the cluster is plain. */
export function securityOf(
  access: AccessDescription | undefined,
  user = ADMIN,
  mechanism: SaslMechanism = 'SCRAM-SHA-512',
): ClusterSecurity | undefined {
  if (access === undefined) return undefined
  const { securedBy, folder, users } = access
  if (!users.includes(user))
    throw new ClusterError(
      'BAD_SPEC',
      `no user ${user}, only ${users.join(', ')}: name it in the spec's users`,
    )
  const file = (name: string) => `file:${join(folder, name)}`
  return {
    protocol: protocols[securedBy],
    ...(securedBy !== 'ssl' && {
      sasl: { mechanism, username: user, password: file(`${user}.password`) },
    }),
    ...(securedBy !== 'sasl-plaintext' && {
      tls: {
        ca: file('ca.pem'),
        ...(securedBy === 'ssl' && { cert: file(`${user}.pem`), key: file(`${user}.key`) }),
      },
    }),
  }
}

/** The same for KafkaJS. */
export function kafkaJsSecurity(
  access: AccessDescription | undefined,
  user = ADMIN,
): Pick<KafkaConfig, 'ssl' | 'sasl' | 'reauthenticationThreshold'> {
  if (access === undefined) return {}
  const read = (name: string) => readFileSync(join(access.folder, name), 'utf8')
  return {
    // Less than the sessions that tests make short; by default it would renew these with each request.
    reauthenticationThreshold: 500,
    ...(access.securedBy !== 'ssl' && {
      sasl: { mechanism: 'plain', username: user, password: passwordOf(access, user) },
    }),
    ...(access.securedBy !== 'sasl-plaintext' && {
      ssl: {
        ca: read('ca.pem'),
        ...(access.securedBy === 'ssl' && { cert: read(`${user}.pem`), key: read(`${user}.key`) }),
      },
    }),
  }
}

/** Gives rights to a user of a secured cluster; brokers know of them some milliseconds later. The name `*` is every one. */
export async function allow(cluster: Secured, user: string, rights: readonly Right[]): Promise<void> {
  const { access } = cluster.description
  if (access === undefined) throw new ClusterError('BAD_SPEC', `cluster ${cluster.name} is not secured`)
  const kafka = new kafkajs.Kafka({
    clientId: 'braid-testbed',
    brokers: cluster.bootstrap.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    ...kafkaJsSecurity(access),
  })
  const admin = kafka.admin()
  await admin.connect()
  try {
    await admin.createAcls({
      acl: rights.map(({ operation, resource, name }) => ({
        resourceType: resourceTypes[resource],
        resourceName: name,
        resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
        principal: `User:${user}`,
        host: '*',
        operation: operations[operation],
        permissionType: kafkajs.AclPermissionTypes.ALLOW,
      })),
    })
  } finally {
    await admin.disconnect()
  }
}

const { AclOperationTypes, AclResourceTypes } = kafkajs

const resourceTypes: Readonly<Record<Right['resource'], number>> = {
  Topic: AclResourceTypes.TOPIC,
  Group: AclResourceTypes.GROUP,
  Cluster: AclResourceTypes.CLUSTER,
}

const operations: Readonly<Record<Right['operation'], number>> = {
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  Alter: AclOperationTypes.ALTER,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
  AlterConfigs: AclOperationTypes.ALTER_CONFIGS,
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
}

function passwordOf({ folder }: AccessDescription, user: string): string {
  return readFileSync(join(folder, `${user}.password`), 'utf8').trim()
}
