/** Simulates several processes in this one, each with its own connections to one Postgres. Only in the project `postgres`. */
import { randomUUID } from 'node:crypto'
import { openDatabase } from '../../src/store/database.js'
import { alone, type Membership } from '../../src/store/processes.js'
import type { Database } from '../../src/store/schema.js'
import { newPostgresDatabase } from './postgres.js'

export interface Replica {
  db: Database
  membership: Membership
}

/** So many processes on one new database, none of which is ever taken for dead unless a test deletes its row. */
export async function openReplicas(
  count: number,
  now: () => number,
): Promise<{ replicas: Replica[]; close(): Promise<void> }> {
  const address = await newPostgresDatabase()
  const replicas = await Promise.all(
    Array.from({ length: count }, async () => {
      const db = await openDatabase(address)
      const owner = randomUUID()
      await joinAgain(db, owner)
      return { db, membership: { ...alone, owner, now } }
    }),
  )
  return {
    replicas,
    close: async () => {
      await Promise.all(replicas.map(({ db }) => db.destroy()))
    },
  }
}

/** Puts a process's row back that was deleted, as its next renewal does. */
export async function joinAgain(db: Database, owner: string): Promise<void> {
  await db.insertInto('processes').values({ id: owner, name: owner, renewedAt: 0 }).execute()
}
