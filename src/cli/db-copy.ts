/** `dolly db copy`: copies a SQLite file to Postgres, and reports what it did. */
import type { AuditKeys } from '../store/audit-chain.js'
import { type CopyReport, copyDatabase } from '../store/copy.js'
import { snakeCase } from '../store/names.js'
import { describeReport } from './audit-verify.js'
import { withConfiguration } from './configured.js'

export async function run([from = '']: readonly string[]): Promise<number> {
  return await withConfiguration(async ({ config: { database, auditKeys } }) => {
    process.stdout.write(await copyTo(database, from, auditKeys, Date.now()))
    return 0
  })
}

/**
 * Copies a SQLite file to the database of DATABASE_URL, and returns what the operator reads.
 *
 * @param from path of the SQLite file, or the same as DATABASE_URL would have it: `file:data/dolly.db`.
 * @param now milliseconds since 1970.
 * @throws ConnectionError for what the operator must fix.
 */
export async function copyTo(database: string, from: string, keys: AuditKeys, now: number): Promise<string> {
  const file = from.replace(/^file:(\/\/)?/, '')
  return describeCopy(file, await copyDatabase(file, database, { keys, now }), keys)
}

/** The report, with a line for each table. */
export function describeCopy(
  file: string,
  { target, copiedBefore, rows, liveJobs, audit }: CopyReport,
  keys: AuditKeys,
): string {
  const tables = [...rows].map(([table, count]) => `  ${count.toLocaleString('en').padStart(9)}  ${snakeCase(table)}`)
  return [
    copiedBefore === null
      ? `Copied ${file} to ${target}. Its tables have as many rows as in the file:`
      : `${file} was copied to ${target} before (${new Date(copiedBefore).toISOString()}). Its tables now have:`,
    ...tables,
    `${liveJobs === 1 ? '1 live job goes' : `${liveJobs} live jobs go`} on there.`,
    `The audit, on both sides: ${describeReport(audit, keys).sentence}`,
    `No Dolly starts on ${file} any more. Keep it until you have a backup of the new database.`,
    'Next: start Dolly with this DATABASE_URL, on as many machines as you want.',
    '',
  ].join('\n')
}
