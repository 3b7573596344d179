/** Run as a separate process: tries to open each path as a database, and prints the outcomes by path. */
import { openDatabase } from '../../src/store/database.js'

const outcomes: Record<string, string> = {}
for (const path of process.argv.slice(2)) {
  outcomes[path] = await openDatabase(path, undefined, { openWithinMs: 1_000 }).then(
    async (database) => {
      await database.destroy()
      return 'opened'
    },
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
  )
}
process.stdout.write(JSON.stringify(outcomes))
