import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { KafkaVersion } from '../../clusters/cluster.ts'
import { javaProgram } from '../../clusters/java.ts'
import { cacheFolder, kafkaClientsJar, kafkaJavaClasspath } from '../../clusters/kafka-jars.ts'

const run = promisify(execFile)
const source = fileURLToPath(new URL('./Load.java', import.meta.url))
const compileMaxMs = 60_000

const compiling = new Map<KafkaVersion, Promise<string>>()

/** A class path with `Load`, compiled once for each of its texts and kept, and the Kafka clients that it uses. */
export function loadClasspath(version: KafkaVersion): Promise<string> {
  let classpath = compiling.get(version)
  if (classpath === undefined) {
    classpath = compiled(version)
    compiling.set(version, classpath)
    classpath.catch(() => compiling.delete(version))
  }
  return classpath
}

async function compiled(version: KafkaVersion): Promise<string> {
  const jars = await kafkaJavaClasspath(version)
  const text = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const folder = join(cacheFolder(), `load-${version}-${text}`)
  if (!existsSync(folder)) {
    const partial = await mkdtemp(`${folder}.partial-`)
    try {
      // The compiler by its module: not every Java brings a `javac`.
      const compiler = ['-m', 'jdk.compiler/com.sun.tools.javac.Main']
      const clients = await kafkaClientsJar(version)
      await run(javaProgram(), [...compiler, '-cp', clients, '-d', partial, source], {
        timeout: compileMaxMs,
      })
      // Renamed when complete; of two at once one wins.
      await rename(partial, folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error
      })
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
      const why = `${stdout}${stderr}`.trim() || (error as Error).message
      throw new Error(
        `${source} could not be compiled: ${why}\ninstall a JDK 17 or later (Debian: openjdk-17-jdk-headless)`,
        { cause: error },
      )
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
  }
  return `${folder}:${jars}`
}
