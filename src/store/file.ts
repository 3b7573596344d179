/** The database's files on disk, and why they can't be used. */
import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConnectionError, TemporaryError } from '../errors.js'

/**
 * Creates a file for SQLite, and its folder, unless they are there. Readable by its owner alone: SQLite gives the log and the
 * index beside it the same rights.
 *
 * @throws Error when it can't be created, or is no regular file.
 */
export function createFile(file: string): void {
  makeFolder(dirname(file))
  const there = statSync(file, { throwIfNoEntry: false })
  if (!there) {
    // Only a new one: closing any handle of a file drops all locks that this process has on it, SQLite's too.
    closeSync(openSync(file, 'a', 0o600))
    return
  }
  // Opening a pipe would block until another process reads from it.
  if (!there.isFile()) throw new Error(`it is ${there.isDirectory() ? 'a folder' : 'not a regular file'}`)
}

/** Whether others than its owner may open a file. */
export function hasLooseRights(file: string): boolean {
  const { mode = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {}
  return (mode & 0o077) !== 0
}

/** One folder after the other: where none can be made, as in /proc, Node's own recursive mkdir never returns. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process may just have made it.
    if (!existsSync(folder)) throw error
  }
}

/** What the operator reads. */
export function explainOpenFailure(file: string, error: unknown): ConnectionError {
  if (error instanceof TemporaryError) {
    return new ConnectionError(
      `The database ${file} is locked by another process. Find that process (for example with: fuser ${file}), stop it, and start Dolly again.`,
    )
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new ConnectionError(
    `The database ${file} can't be opened (${reason}). Check DATABASE_URL, and who may write there.`,
  )
}
