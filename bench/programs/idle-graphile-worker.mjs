/** A worker of graphile-worker with its defaults and nothing to do. */
import { Logger, run } from 'graphile-worker'

const logger = new Logger(() => () => {})
await run({ connectionString: process.env.DATABASE_URL, logger, taskList: { clone: async () => {} } })
console.log('"Dolly is up"')
