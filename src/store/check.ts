/** Checks for `dolly doctor` whether Dolly can work with a database. Changes nothing in it. */
import { checkFile } from './check-file.js'
import { checkPostgres } from './check-postgres.js'
import { isPostgres } from './database.js'

export interface DatabaseFinding {
  result: 'ok' | 'warning' | 'failed'
  sentence: string
}

/**
 * May run while Dolly runs.
 *
 * @param address path of a SQLite file, or `postgres://…`.
 * @param wallClock milliseconds since 1970.
 * @returns a sentence for each problem and warning, or one that all is well. Never rejects.
 */
export async function checkDatabase(address: string, wallClock: () => number): Promise<DatabaseFinding[]> {
  return isPostgres(address) ? await checkPostgres(address, wallClock) : await checkFile(address)
}
