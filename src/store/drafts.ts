/** Answers of a form that wait for a confirmation: kept here, because what a modal carries passes through the client. */
import { randomUUID } from 'node:crypto'
import { emptyLog } from './database.js'
import type { Database } from './schema.js'

/** Nobody ponders the last page for longer, and answers may be personal. */
const keptMs = 60 * 60 * 1000

/** Keeps the answers for an hour, or until a job is made of them, and answers with the key to them. */
export async function saveDraft(db: Database, requester: string, answers: object, now: number): Promise<string> {
  const id = randomUUID()
  await db
    .insertInto('drafts')
    .values({ id, requester, answers: JSON.stringify(answers), createdAt: now })
    .execute()
  return id
}

/** The answers this person gave within the last hour, or null when there are none of theirs. */
export async function readDraft(db: Database, id: string, requester: string, now: number): Promise<unknown> {
  const row = await db
    .selectFrom('drafts')
    .select('answers')
    .where('id', '=', id)
    .where('requester', '=', requester)
    .where('createdAt', '>=', now - keptMs)
    .executeTakeFirst()
  return row ? JSON.parse(row.answers) : null
}

export async function dropDraft(db: Database, id: string): Promise<void> {
  await db.deleteFrom('drafts').where('id', '=', id).execute()
}

/** Drops the drafts that nobody confirmed, and then the traces of all that was deleted since the last time. */
export async function forget(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('drafts')
    .where('createdAt', '<', now - keptMs)
    .execute()
  await emptyLog(db)
}
