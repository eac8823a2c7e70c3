import { spawn } from 'node:child_process'
import kafkajs from 'kafkajs'
import { javaProgram } from '../clusters/java.ts'
import { kafkaJavaClasspath } from '../clusters/kafka-jars.ts'

const PROGRAM_TIMEOUT_MS = 60_000

export interface RealClient {
  readonly name: string
  /** Uses a topic and a group of its own at the address, with data in them. */
  run(address: string): Promise<void>
}

/** Runs a program to its end with the lines as its input; what it printed. */
export async function program(command: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(command, args, { timeout: PROGRAM_TIMEOUT_MS })
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += chunk
  })
  child.stderr.on('data', (chunk) => {
    printed += chunk
  })
  child.stdin.end(input)
  const status = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  )
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${printed}`)
  return printed
}

export const kcat: RealClient = {
  name: 'kcat (librdkafka)',
  async run(address) {
    const lines = 'one:1\ntwo:2\nthree:3\n'
    const many = Array.from({ length: 60 }, (_, i) => `key-${i}:value ${i * i}\n`).join('')
    await program('kcat', ['-b', address, '-L', '-t', 'clients'])
    await program('kcat', ['-b', address, '-P', '-t', 'clients', '-K:', '-H', 'h=1'], many)
    await program(
      'kcat',
      ['-b', address, '-P', '-t', 'clients', '-K:', '-X', 'enable.idempotence=true'],
      lines,
    )
    await program('kcat', ['-b', address, '-C', '-t', 'clients', '-e', '-q', '-o', 'beginning'])
    await program('kcat', [
      '-b',
      address,
      '-G',
      'kcat-group',
      '-e',
      '-q',
      '-X',
      'auto.offset.reset=earliest',
      'clients',
    ])
    await program('kcat', ['-b', address, '-Q', '-t', 'clients:0:1'])
  },
}

export const kafkaJs: RealClient = {
  name: 'KafkaJS 2.2.4',
  async run(address) {
    const kafka = new kafkajs.Kafka({
      brokers: [address],
      clientId: 'kafkajs',
      logLevel: kafkajs.logLevel.NOTHING,
    })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'kafkajs', numPartitions: 1, replicationFactor: 1 }] })
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    await producer.send({ topic: 'kafkajs', messages: [{ key: 'k', value: 'v', headers: { h: '1' } }] })
    const consumer = kafka.consumer({ groupId: 'kafkajs-group' })
    await consumer.connect()
    await consumer.subscribe({ topics: ['kafkajs'], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.run({ eachMessage: async () => resolve() }).catch(reject)
    })
    await admin.describeGroups(['kafkajs-group'])
    await admin.listGroups()
    await consumer.stop()
    await consumer.disconnect()
    await admin.fetchOffsets({ groupId: 'kafkajs-group', topics: ['kafkajs'] })
    await admin.createPartitions({ topicPartitions: [{ topic: 'kafkajs', count: 2 }] })
    await admin.deleteTopicRecords({ topic: 'kafkajs', partitions: [{ partition: 0, offset: '1' }] })
    await admin.deleteGroups(['kafkajs-group'])
    await admin.deleteTopics({ topics: ['kafkajs'] })
    await producer.disconnect()
    await admin.disconnect()
  },
}

const CONSOLE_CONSUMER = 'org.apache.kafka.tools.consumer.ConsoleConsumer'
const TOPICS = 'org.apache.kafka.tools.TopicCommand'
const GROUPS = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'

export const javaTools: RealClient = {
  name: 'Java 4.3.1',
  async run(address) {
    const classpath = await kafkaJavaClasspath('4.3.1')
    const java = (main: string, args: readonly string[], input?: string) =>
      program(
        javaProgram(),
        ['-XX:TieredStopAtLevel=1', '-cp', classpath, main, '--bootstrap-server', address, ...args],
        input,
      )
    await java(TOPICS, ['--create', '--topic', 'java', '--partitions', '2', '--config', 'retention.ms=-1'])
    await java(
      'org.apache.kafka.tools.ConsoleProducer',
      ['--topic', 'java', '--compression-codec', 'gzip'],
      'one\ntwo\n',
    )
    const groupArguments = ['--group', 'java-group', '--consumer-property', 'group.protocol=classic']
    await java(CONSOLE_CONSUMER, [
      '--topic',
      'java',
      '--from-beginning',
      '--max-messages',
      '2',
      ...groupArguments,
    ])
    await java(GROUPS, ['--describe', '--group', 'java-group'])
    await java(GROUPS, ['--delete-offsets', '--group', 'java-group', '--topic', 'java'])
    await java(GROUPS, ['--delete', '--group', 'java-group'])
    await java('org.apache.kafka.tools.TransactionsCommand', [
      'describe-producers',
      '--topic',
      'java',
      '--partition',
      '0',
    ])
    await java('org.apache.kafka.tools.GetOffsetShell', ['--topic', 'java'])
    const alter = [
      '--alter',
      '--entity-type',
      'topics',
      '--entity-name',
      'java',
      '--add-config',
      'max.message.bytes=99',
    ]
    await java('kafka.admin.ConfigCommand', alter)
    await java(TOPICS, ['--alter', '--topic', 'java', '--partitions', '3'])
    await java(TOPICS, ['--delete', '--topic', 'java'])
  },
}
