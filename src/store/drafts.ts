/** Answers of a form that wait for a confirmation: kept here, because what a modal carries passes through the client. */
import { randomUUID } from 'node:crypto'
import type { Database } from './schema.js'

/** Slack forgets an open modal far sooner. */
const keptMs = 24 * 60 * 60 * 1000

/** Keeps the answers for a day and answers with the key to them. Drafts that nobody confirmed go on the way. */
export async function saveDraft(db: Database, requester: string, answers: object, now: number): Promise<string> {
  const id = randomUUID()
  await db
    .deleteFrom('drafts')
    .where('createdAt', '<', now - keptMs)
    .execute()
  await db
    .insertInto('drafts')
    .values({ id, requester, answers: JSON.stringify(answers), createdAt: now })
    .execute()
  return id
}

/** The answers this person gave, or null when there are none of theirs. */
export async function readDraft(db: Database, id: string, requester: string): Promise<unknown> {
  const row = await db
    .selectFrom('drafts')
    .select('answers')
    .where('id', '=', id)
    .where('requester', '=', requester)
    .executeTakeFirst()
  return row ? JSON.parse(row.answers) : null
}
