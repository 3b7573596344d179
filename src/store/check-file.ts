/** Checks for `dolly doctor` whether Dolly can work with a SQLite file. Creates nothing, and changes nothing in it. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { sql } from 'kysely'
import { ConnectionError, DatabaseError } from '../errors.js'
import type { DatabaseFinding } from './check.js'
import { refuseCopied } from './copy.js'
import { createDatabase, explainNewer } from './database.js'
import { explainOpenFailure, hasLooseRights } from './file.js'
import type { Database } from './schema.js'
import { describeSchema, readSchemaVersion } from './schema-version.js'
import { openExisting, sqliteDialect } from './sqlite.js'

/** How long another program may hold the file, in milliseconds. */
const BUSY_TIMEOUT_MS = 2_000
/** A job takes 2 kB, and the log beside the file some megabytes. With less than the second Dolly soon stands still. In bytes. */
const GOOD_ROOM = 500e6
const MIN_ROOM = 20e6

/** @returns a sentence for each problem and warning, or one that all is well. Never rejects. */
export async function checkFile(file: string): Promise<DatabaseFinding[]> {
  try {
    const { isThere, folder } = assertPlace(file)
    const room = roomOf(folder)
    const facts = isThere ? await tryFile(file) : `There's no database at ${file} yet: a start creates it.`
    const isFull = room < MIN_ROOM
    const findings: (DatabaseFinding | false)[] = [
      !isFull && { result: 'ok', sentence: `${facts} ${inUnits(room)} are free on its disk.` },
      room < GOOD_ROOM && {
        result: isFull ? 'failed' : 'warning',
        sentence: `Only ${inUnits(room)} are free on the disk of ${file}. On a full disk Dolly starts no jobs. Make room.`,
      },
      isThere &&
        hasLooseRights(file) && {
          result: 'warning',
          sentence: `Users other than its owner can open ${file}. Run chmod 600 on it.`,
        },
    ]
    return findings.filter((finding) => finding !== false)
  } catch (error) {
    const { message } = error instanceof ConnectionError ? error : explainOpenFailure(file, error)
    return [{ result: error instanceof DatabaseError ? 'warning' : 'failed', sentence: message }]
  }
}

/**
 * Finds the folder of the file, or the nearest one above that exists, and asserts that the file is there or can be created.
 *
 * @throws Error that says why not.
 */
function assertPlace(file: string): { isThere: boolean; folder: string } {
  let folder = dirname(resolve(file))
  while (!existsSync(folder)) folder = dirname(folder)
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} isn't a folder`)
  const there = statSync(file, { throwIfNoEntry: false })
  if (there && !there.isFile()) throw new Error(`it is ${there.isDirectory() ? 'a folder' : 'not a regular file'}`)
  // SQLite writes files beside it, so the file alone isn't enough.
  accessSync(folder, constants.W_OK | constants.X_OK)
  return { isThere: there !== undefined, folder }
}

/** Takes the right to write and gives it back. */
async function tryFile(file: string): Promise<string> {
  const db = createDatabase(sqliteDialect(openExisting(file), () => BUSY_TIMEOUT_MS))
  try {
    await db.connection().execute(async (connection) => {
      await sql`begin immediate`.execute(connection)
      await sql`rollback`.execute(connection)
    })
    return `${file} can be written. ${await describe(db, file)}`
  } finally {
    await db.destroy()
  }
}

async function describe(db: Database, file: string): Promise<string> {
  const version = await readSchemaVersion(db)
  if (version.newer.length > 0) throw explainNewer(file, version.newer)
  // The table came with a later migration.
  if (version.missing.length === 0) await refuseCopied(db, file)
  return `${describeSchema(version)} It has ${inUnits(statSync(file).size)};`
}

/** What users without special rights may still write, in bytes. */
function roomOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function inUnits(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`
}
