/** `dolly migrate`: brings the database to the newest schema, and says from what to what. */
import { type Migrated, migrateDatabase } from '../store/migrate.js'
import { withConfiguration } from './configured.js'

export async function run(): Promise<number> {
  return await withConfiguration(async ({ config }) => {
    process.stdout.write(`${describeMigration(await migrateDatabase(config.database))}\n`)
    return 0
  })
}

export function describeMigration({ place, before, after }: Migrated): string {
  const about = place.replace(/^the /, 'The ')
  const beside =
    after.newer.length === 0 ? '' : ` A newer Dolly has added ${after.newer.join(', ')}; this one leaves that alone.`
  if (before.missing.length === 0) return `${about} has the newest schema already, ${after.applied}.${beside}`
  if (before.applied === null)
    return `${about} had no tables. They were created, with schema ${after.applied}.${beside}`
  return `${about} was migrated from schema ${before.applied} to ${after.applied}.${beside}`
}
