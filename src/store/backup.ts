/** A consistent copy of a SQLite file, also while Dolly runs on it. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConnectionError } from '../errors.js'
import { explainMissing, isPostgres } from './database.js'
import { MARK_AS_BACKUP } from './restored.js'
import { hasTable, openExisting, retryWhileBusy } from './sqlite.js'

/** How long another program may keep the file locked, in milliseconds. */
const BUSY_TIMEOUT_MS = 30_000

export interface Backup {
  /** Of the copy. */
  bytes: number
  liveJobs: number
}

/**
 * Copies a SQLite file as it is at one moment. It needs no lock, so a Dolly may go on with it. The copy is for its owner alone,
 * has none of what was deleted, is checked, and is marked: a Dolly that starts on it asks before it does anything again.
 *
 * @param target path of the copy, where there must be nothing.
 * @throws ConnectionError for what the operator must fix. Then there is no copy.
 */
export async function backUpDatabase(address: string, target: string): Promise<Backup> {
  if (isPostgres(address)) {
    throw new ConnectionError(
      'Postgres has tools of its own: run pg_dump --format custom --file dolly.dump, with --host, --username and the name of the ' +
        'database. After you restore such a dump, run "dolly db restored" before the start.',
    )
  }
  if (!existsSync(address))
    throw new ConnectionError(`${explainMissing(address)} Set DATABASE_URL to the file to back up.`)
  if (!hasTable(address, 'jobs'))
    throw new ConnectionError(`${address} isn't a database of Dolly. Set DATABASE_URL to one.`)
  reserve(target)
  try {
    await copyTo(address, target)
    const backup = checkAndMark(target)
    // SQLite leaves a copy to the operating system's cache, where a power cut would take it.
    flush(target)
    flush(dirname(target))
    return backup
  } catch (error) {
    rmSync(target, { force: true })
    throw new ConnectionError(`The backup of ${address} to ${target} failed (${reasonOf(error)}). There is no copy.`)
  }
}

/** SQLite would give it the rights of any new file. */
function reserve(target: string): void {
  try {
    closeSync(openSync(target, 'wx', 0o600))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST')
      throw new ConnectionError(`There's a file at ${target} already. Name one that doesn't exist yet.`)
    if (code === 'ENOENT')
      throw new ConnectionError(`There's no folder ${dirname(target)} for the backup. Create it, or name another file.`)
    throw new ConnectionError(
      `The backup ${target} can't be written (${reasonOf(error)}). Name a file in a folder that this user may write to.`,
    )
  }
}

async function copyTo(address: string, target: string): Promise<void> {
  const source = openExisting(address)
  try {
    // Not better-sqlite3's backup(): it starts again whenever Dolly writes, and copies what was deleted.
    const copy = source.prepare('vacuum into ?')
    await retryWhileBusy(performance.now() + BUSY_TIMEOUT_MS, () => copy.run(target))
  } finally {
    source.close()
  }
}

function checkAndMark(target: string): Backup {
  const copy = openExisting(target)
  try {
    const verdict = copy.pragma('integrity_check', { simple: true })
    if (verdict !== 'ok') throw new Error(`the copy is damaged: ${verdict}`)
    const liveJobs = copy.prepare<[], number>('select count(*) from jobs where ended_at is null').pluck().get() ?? 0
    copy.exec(MARK_AS_BACKUP)
    return { bytes: statSync(target).size, liveJobs }
  } finally {
    copy.close()
  }
}

function flush(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
