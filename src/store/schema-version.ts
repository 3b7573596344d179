/** Which migrations a database has, as names such as `009-replicas`. */
import { sql } from 'kysely'
import { migrations } from './database.js'
import type { Database } from './schema.js'

export interface SchemaVersion {
  /** The last one of this release that was applied; null in a database without tables of Dolly. */
  applied: string | null
  /** Those of this release that are missing, in order. */
  missing: readonly string[]
  /** Those that only a newer release knows. */
  newer: readonly string[]
}

/** Only reads. `known`: all migrations of this release, in order; others only in tests. */
export async function readSchemaVersion(db: Database, known = Object.keys(migrations)): Promise<SchemaVersion> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return { applied: null, missing: known, newer: [] }
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  const names = rows.map(({ name }) => name)
  return {
    applied: known.findLast((name) => names.includes(name)) ?? null,
    missing: known.filter((name) => !names.includes(name)),
    newer: names.filter((name) => !known.includes(name)),
  }
}

/** A sentence on what a start will do. */
export function describeSchema({ applied, missing }: SchemaVersion): string {
  const newest = missing.at(-1)
  if (applied === null) return 'It has no tables yet: a start creates them.'
  return newest === undefined
    ? `Its schema is the newest, ${applied}.`
    : `Its schema is ${applied}: a start, or "dolly migrate", brings it to ${newest}.`
}
