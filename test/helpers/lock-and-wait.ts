/** Run as a process of its own: locks a database, opens it, claims what is due, says so, and goes on until it is killed. */
import { claimDueJobs } from '../../src/store/claims.js'
import { openDatabase } from '../../src/store/database.js'
import { lockDatabase } from '../../src/store/lock.js'

const [file = '', waitMs = '0'] = process.argv.slice(2)
try {
  const unlock = await lockDatabase(file, { waitMs: Number(waitMs) })
  // Keeps the lock for as long as this process lives: a lock that nothing refers to is given back.
  process.on('exit', unlock)
  const db = await openDatabase(file)
  const claimed = await claimDueJobs(db, { connection: 'dummy-one', state: 'queued', limit: 10 }, Date.now())
  process.stdout.write(`locked, claimed ${claimed.length}\n`)
  setInterval(() => {}, 60_000)
} catch (error) {
  process.stdout.write(error instanceof Error ? `${error.name}: ${error.message}\n` : String(error))
}
