import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../log.ts'
import { Refusal } from '../refusal.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

export function backupEndpoints({ plane: { store }, folder }: Pick<Served, 'plane' | 'folder'>) {
  return {
    'backup.create': async ({ body: { file: name } }) => {
      if (folder === undefined) {
        throw new Refusal(
          'BACKUP_REFUSED',
          'the store is not a file: back it up with the tools of its database',
        )
      }
      const backups = join(folder, 'backups')
      const file = join(backups, name)
      try {
        mkdirSync(backups, { recursive: true, mode: 0o700 })
        await store.backup(file)
        return { file, bytes: statSync(file).size }
      } catch (error) {
        throw new Refusal('BACKUP_REFUSED', `${file}: ${reasonOf(error)}`, { cause: error })
      }
    },
  } satisfies Handlers
}
