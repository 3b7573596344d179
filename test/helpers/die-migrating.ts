/** Run as a process of its own: dies of SIGKILL in the middle of a new migration. */
import { migrations, openDatabase } from '../../src/store/database.js'

const [file = ''] = process.argv.slice(2)
await openDatabase(file, {
  ...migrations,
  '999-deadly': {
    up: async (db) => {
      await db.schema.alterTable('jobs').addColumn('half', 'text').execute()
      process.kill(process.pid, 'SIGKILL')
      await new Promise(() => {})
    },
  },
})
