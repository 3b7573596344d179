/** Answers that wait for a confirmation, and where forms were opened. Stored here because what a modal carries passes through the client. */
import { randomUUID } from 'node:crypto'
import { DatabaseError } from '../errors.js'
import type { Database, DraftKind } from './schema.js'
import { truncateWal } from './sqlite.js'
import { retryWhileInDoubt } from './transaction.js'

/** Long enough to think about the last page, and no longer: answers may be personal. */
const DRAFT_TTL_MS = 60 * 60 * 1000

/** A draft as it was saved, and when, in milliseconds since 1970. */
export interface Draft {
  answers: unknown
  createdAt: number
}

/** Keeps the answers for an hour, or until they become a job. Returns the key to them. */
export async function saveDraft(
  db: Database,
  kind: DraftKind,
  requester: string,
  answers: object,
  now: number,
): Promise<string> {
  const id = randomUUID()
  const row = { id, kind, requester, answers: JSON.stringify(answers), createdAt: now }
  await retryWhileInDoubt(
    async () =>
      await db
        .insertInto('drafts')
        .values(row)
        .onConflict((same) => same.doNothing())
        .execute(),
  ).catch((error: unknown) => {
    // If it was saved after all, nobody has its key.
    throw error instanceof DatabaseError
      ? new DatabaseError(error.message, { mayHaveHappened: false, cause: error })
      : error
  })
  return id
}

/** What this person left behind within the last hour, or null when it is not theirs or of another kind. */
export async function readDraft(
  db: Database,
  kind: DraftKind,
  id: string,
  requester: string,
  now: number,
): Promise<Draft | null> {
  const row = await db
    .selectFrom('drafts')
    .select(['answers', 'createdAt'])
    .where('id', '=', id)
    .where('kind', '=', kind)
    .where('requester', '=', requester)
    .where('createdAt', '>=', now - DRAFT_TTL_MS)
    .executeTakeFirst()
  return row ? { ...row, answers: JSON.parse(row.answers) } : null
}

export async function dropDraft(db: Database, id: string): Promise<void> {
  await db.deleteFrom('drafts').where('id', '=', id).execute()
}

/** Deletes drafts that were never confirmed, and then what the log still holds of all that was deleted since the last time. */
export async function purgeExpired(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('drafts')
    .where('createdAt', '<', now - DRAFT_TTL_MS)
    .execute()
  await truncateWal(db)
}
