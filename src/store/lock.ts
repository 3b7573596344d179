/** One process per SQLite file: a lock that the operating system frees when its process dies, however it dies. */
import { hostname } from 'node:os'
import Sqlite from 'better-sqlite3'
import { ConnectionError, TemporaryError } from '../errors.js'
import { createFile, explainOpenFailure } from './file.js'
import { retryWhileBusy } from './sqlite.js'

interface LockOptions {
  /** How long another process may take to end, in milliseconds. Default 15 000: a stop takes up to ten seconds. */
  waitMs?: number
  /** What to do if it doesn't end. Default: what helps someone who starts Dolly. */
  advice?: string
}

const ADVICE = 'stop the other one and start again, or point DATABASE_URL to another file.'

/** Gives the lock back. Keep it: a lock that nothing refers to is closed by the garbage collector. */
export type Unlock = () => void

/**
 * Locks the database for this process alone. The lock is an open transaction on a small SQLite file beside the database, so
 * that backups still read the database itself, and others can read in the lock file who holds it.
 *
 * @throws ConnectionError that names the holder when another process still has the lock after `waitMs`, or that says what to
 *   check when a file can't be opened.
 */
export async function lockDatabase(
  file: string,
  { waitMs = 15_000, advice = ADVICE }: LockOptions = {},
): Promise<Unlock> {
  const lock = openLock(file)
  try {
    await retryWhileBusy(performance.now() + waitMs, () => {
      noteHolder(lock)
      // In a rollback journal this locks out other writers, and no reader.
      lock.exec('begin immediate')
    })
    return () => lock.close()
  } catch (error) {
    const holder = error instanceof TemporaryError ? readHolder(lock) : undefined
    lock.close()
    if (!(error instanceof TemporaryError)) throw explainOpenFailure(file, error)
    throw new ConnectionError(
      `The database ${file} is in use by another Dolly${holder ? ` (${holder})` : ''}. ` +
        `One process at a time can use it: ${advice}`,
    )
  }
}

function openLock(file: string): Sqlite.Database {
  try {
    createFile(file)
    createFile(`${file}.lock`)
    return new Sqlite(`${file}.lock`, { timeout: 0 })
  } catch (error) {
    throw explainOpenFailure(file, error)
  }
}

/** The process that waits reads this. Committed on its own, because an open transaction shows nothing to others. */
function noteHolder(lock: Sqlite.Database): void {
  try {
    lock.exec('create table if not exists holder (id integer primary key, pid integer, host text, since text)')
    lock
      .prepare('insert or replace into holder (id, pid, host, since) values (1, ?, ?, ?)')
      .run(process.pid, hostname(), new Date().toISOString().replace(/\.\d+/, ''))
  } catch (error) {
    // A full disk keeps nobody from starting: the lock needs no room, only the name of its holder does.
    if (!(error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_FULL'))) throw error
  }
}

function readHolder(lock: Sqlite.Database): string | undefined {
  try {
    const row = lock
      .prepare<[], { pid: number; host: string; since: string }>('select pid, host, since from holder')
      .get()
    return row && `process ${row.pid} on ${row.host}, since ${row.since}`
  } catch {
    return undefined
  }
}
