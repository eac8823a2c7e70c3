import type { ClusterProvider } from './cluster.ts'
import { ClusterError } from './errors.ts'

const notYet = () => {
  throw new ClusterError('NO_PROVIDER', 'the docker provider is not there yet: use BRAID_CLUSTERS=jvm')
}

export const docker: ClusterProvider = {
  name: 'docker',
  why: async () => 'not there yet',
  start: notYet,
  attach: notYet,
}
