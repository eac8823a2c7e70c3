/**
 * Writes packages/kafka-protocol/golden: what real clients and a real broker say to each other, for every API and version
 * that we define, beside what the bytes say in Kafka's own words. Run by hand when an API or version is added:
 *
 *     node testbed/golden/capture.ts          needs a JDK (it runs Say.java) and kcat
 *     node testbed/golden/capture.ts 17 36    writes the files of these APIs only
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { apis, createTopics } from '@braid/kafka-protocol'
import { startClusters } from '../clusters/cluster.ts'
import { javaProgram } from '../clusters/java.ts'
import { kafkaJavaClasspath } from '../clusters/kafka-jars.ts'
import { Caller } from './caller.ts'
import { javaTools, kafkaJs, kcat, program, type RealClient } from './clients.ts'
import type { Exchange } from './exchange.ts'
import { Recorder } from './recorder.ts'
import { saslClients } from './sasl.ts'
import { tour } from './tour.ts'

const BROKER_VERSION = '4.3.1'
/** Golden files are read by people too. */
const EXCHANGE_MAX_BYTES = 3_000
const folder = fileURLToPath(new URL('../../packages/kafka-protocol/golden/', import.meta.url))

const us: RealClient = { name: 'braid', run: tour }

async function record(): Promise<Exchange[]> {
  const [plain, secured] = await startClusters([
    { name: 'golden', version: BROKER_VERSION },
    { name: 'golden-sasl', version: BROKER_VERSION, security: 'sasl-plaintext' },
  ])
  try {
    await createTopicsForAll(plain!.bootstrap)
    return [
      ...(await recordClients(plain!.bootstrap, [kcat, kafkaJs, javaTools, us])),
      ...(await recordClients(secured!.bootstrap, saslClients(secured!.description.access!))),
    ]
  } finally {
    await Promise.all([plain!.stop(), secured!.stop()])
  }
}

async function recordClients(broker: string, clients: readonly RealClient[]): Promise<Exchange[]> {
  const exchanges: Exchange[] = []
  for (const client of clients) {
    const onExchange = (exchange: Exchange): void => void exchanges.push(exchange)
    const recorder = await Recorder.open({ client: client.name, broker, onExchange })
    console.error(`recording ${client.name}`)
    await client.run(recorder.address).finally(() => recorder.close())
  }
  return exchanges
}

async function createTopicsForAll(broker: string): Promise<void> {
  const caller = await Caller.connect(broker)
  const topic = { numPartitions: 1, replicationFactor: 1 }
  const compacted = [{ name: 'cleanup.policy', value: 'compact' }]
  await caller.call(createTopics, 5, {
    topics: [
      { ...topic, name: 'clients' },
      { ...topic, name: 'compact', configs: compacted },
    ],
  })
  caller.close()
}

/** One exchange for each API and version: a real client's where there is one, the fullest that is not too long. */
function choose(exchanges: readonly Exchange[]): Exchange[] {
  const best = new Map<string, Exchange>()
  const rank = (exchange: Exchange): number => {
    const bytes = exchange.request.length + exchange.response.length
    const real = exchange.client === us.name ? 0 : 1
    return bytes > EXCHANGE_MAX_BYTES ? -bytes : real * EXCHANGE_MAX_BYTES + bytes
  }
  for (const exchange of exchanges) {
    const api = apis.get(exchange.apiKey)
    if (api === undefined || exchange.version < api.minVersion || exchange.version > api.maxVersion) continue
    const key = `${exchange.apiKey}/${exchange.version}`
    const other = best.get(key)
    if (other === undefined || rank(exchange) > rank(other)) best.set(key, exchange)
  }
  return [...best.values()].sort((a, b) => a.apiKey - b.apiKey || a.version - b.version)
}

/** Each frame in the words of Kafka's own decoder: a line of JSON for each. */
async function say(exchanges: readonly Exchange[]): Promise<string[]> {
  const input = exchanges
    .flatMap(({ apiKey, version, request, response }) => [
      `request ${apiKey} ${version} ${request.toString('hex')}`,
      `response ${apiKey} ${version} ${response.toString('hex')}`,
    ])
    .join('\n')
  const source = fileURLToPath(new URL('./Say.java', import.meta.url))
  const printed = await program(
    javaProgram(),
    ['-cp', await kafkaJavaClasspath(BROKER_VERSION), source],
    `${input}\n`,
  )
  return printed.split('\n').filter((line) => line.startsWith('{'))
}

function fileName(apiKey: number): string {
  const words = apis.get(apiKey)!.name.replaceAll(/(?<!^)([A-Z])/g, '-$1')
  return `${String(apiKey).padStart(2, '0')}-${words.toLowerCase()}.txt`
}

const keys = process.argv.slice(2).map(Number)
const wanted = [...apis.values()].filter(({ key }) => keys.length === 0 || keys.includes(key))
const exchanges = choose(await record())
const words = await say(exchanges)
if (words.length !== exchanges.length * 2) throw new Error('Kafka did not decode every frame')
await mkdir(folder, { recursive: true })
for (const api of wanted) {
  const blocks = exchanges.flatMap((exchange, i) => {
    const { apiKey, version, client, request, response } = exchange
    if (apiKey !== api.key) return []
    const title = `# ${api.name} v${version}, ${client} to broker ${BROKER_VERSION}`
    return `${title}
request ${request.toString('hex')}
says ${words[2 * i]}
response ${response.toString('hex')}
says ${words[2 * i + 1]}
`
  })
  await writeFile(`${folder}${fileName(api.key)}`, blocks.join('\n'))
  const versions = exchanges.filter(({ apiKey }) => apiKey === api.key).map(({ version }) => version)
  for (let version = api.minVersion; version <= api.maxVersion; version++) {
    if (!versions.includes(version)) console.error(`${api.name} v${version} was not captured`)
  }
}
console.error(`${exchanges.length} exchanges captured`)
