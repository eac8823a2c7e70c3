import type { BrokerConnection, ClusterConnections } from '@braid/kafka-connection'
import type { Engine } from './engine.ts'
import type { Session } from './session.ts'

/** The tenant's groups live on its home cluster. What is forwarded there carries home's names of topics. */

/** @throws Error when the route table names no home yet. */
export function homeOf(engine: Engine): ClusterConnections {
  const home = engine.home()
  if (home !== undefined) return home
  throw new Error(`tenant ${engine.tenant} has no home cluster in route version ${engine.routes.version}`)
}

/** The session's own connection to a group's coordinator. */
export async function coordinatorConnection(session: Session, groupId: string): Promise<BrokerConnection> {
  const home = homeOf(session.engine)
  const brokerId = await home.coordinator(groupId)
  return new Promise((resolve, reject) => {
    session.upstreams.acquire('group', home.name, brokerId, (error, connection) => {
      if (connection !== null) resolve(connection)
      else reject(error)
    })
  })
}

/** The client's name of a home topic; undefined: none of the tenant's. */
export function logicalNames(engine: Engine): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const topic of engine.routes.topics(engine.tenant)) names.set(topic.homeTopic, topic.name)
  return names
}

export function homeName(engine: Engine, topic: string): string | undefined {
  return engine.topic(topic)?.route.homeTopic
}
