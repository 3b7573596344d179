/**
 * The slots table: bounds how many writes of one connection all processes together make at once. A slot belongs to the claim
 * that the write is made under, and is given back with it. A process that is alone needs none: its scheduler counts.
 */
import { type Claimant, type ClaimedJob, claimDueJobs } from './claims.js'
import type { Database } from './schema.js'
import { inTransaction } from './transaction.js'

/**
 * Claims the job whose write has been due the longest in a connection, together with a slot for that write.
 *
 * @returns an empty list if no write is due, or `maxConcurrent` are under way.
 */
export async function claimDueWrite(
  db: Database,
  { connection, maxConcurrent }: { connection: string; maxConcurrent: number },
  now: number,
  claimant: Claimant,
): Promise<ClaimedJob[]> {
  const wanted = { connection, state: 'queued', limit: 1 } as const
  const { token, owner } = claimant
  if (owner === null) return await claimDueJobs(db, wanted, now, claimant)
  const numbers = await findFreeNumbers(db, connection, maxConcurrent)
  if (numbers.length === 0) return []
  return await inTransaction(db, async (transaction) => {
    if (!(await takeSlot(transaction, { connection, numbers, token, owner }))) return []
    const claimed = await claimDueJobs(transaction, wanted, now, claimant)
    if (claimed.length === 0) await transaction.deleteFrom('slots').where('token', '=', token).execute()
    return claimed
  })
}

/**
 * The numbers that look free; another process may take one meanwhile. While a connection is busy there are none, and no
 * transaction is needed to find that out.
 */
async function findFreeNumbers(db: Database, connection: string, maxConcurrent: number): Promise<number[]> {
  const rows = await db.selectFrom('slots').select('number').where('connection', '=', connection).execute()
  const taken = new Set(rows.map(({ number }) => number))
  return Array.from({ length: maxConcurrent }, (_, at) => at + 1).filter((number) => !taken.has(number))
}

/**
 * Inserts the first of these numbers that is still free. The primary key makes sure that only one process gets it: counting and
 * then inserting would let two processes count before either inserts.
 */
async function takeSlot(
  db: Database,
  {
    connection,
    numbers,
    token,
    owner,
  }: { connection: string; numbers: readonly number[]; token: string; owner: string },
): Promise<boolean> {
  for (const number of numbers) {
    const { numInsertedOrUpdatedRows: count = 0n } = await db
      .insertInto('slots')
      .columns(['connection', 'number', 'token', 'owner'])
      // A process that was taken for dead gets none.
      .expression((row) =>
        row
          .selectFrom('processes')
          .select(({ val }) => [
            val(connection).as('connection'),
            val(number).as('number'),
            val(token).as('token'),
            'id',
          ])
          .where('id', '=', owner),
      )
      .onConflict((taken) => taken.columns(['connection', 'number']).doNothing())
      .executeTakeFirstOrThrow()
    if (count > 0n) return true
  }
  return false
}

/** Whether a claim still has its slot. A process that froze for long loses it, even if nobody took its claim. */
export async function hasSlot(db: Database, { token, owner }: Claimant): Promise<boolean> {
  if (owner === null) return true
  const slot = await db.selectFrom('slots').select('number').where('token', '=', token).executeTakeFirst()
  return slot !== undefined
}
