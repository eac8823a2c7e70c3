import { clusterName } from '@braid/control-api'
import { parseBootstrap } from '../address.ts'
import { usage } from '../failure.ts'

export interface NamedCluster {
  name: string
  bootstrap: string[]
}

const form = 'write a=host:port,b=host:port; several brokers of one cluster as a=host:port,host:port'

/**
 * `a=host:port,b=host:port`. A part without a name is another broker of the cluster before it, so that
 * Kafka's own `bootstrap.servers` can be pasted behind the name.
 */
export function parseAttach(text: string): NamedCluster[] {
  const clusters: NamedCluster[] = []
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const equals = part.indexOf('=')
    const last = clusters.at(-1)
    if (equals < 0 && last === undefined) throw usage(`--attach: "${part}" has no name`, form)
    if (equals < 0) {
      last!.bootstrap.push(...parseBootstrap(part, `--attach ${last!.name}`))
      continue
    }
    const name = part.slice(0, equals)
    const checked = clusterName.safeParse(name)
    if (!checked.success) {
      throw usage(`--attach: "${name}" cannot be the name of a cluster`, checked.error.issues[0]?.message)
    }
    if (clusters.some((cluster) => cluster.name === name)) {
      throw usage(`--attach: cluster ${name} is named twice`, form)
    }
    clusters.push({ name, bootstrap: parseBootstrap(part.slice(equals + 1), `--attach ${name}`) })
  }
  return clusters
}
