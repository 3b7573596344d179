/** The settings table: what a person or a channel prefers, as JSON that its reader checks. */
import { type Actor, recordAct } from './audit.js'
import type { Database, SettingTable } from './schema.js'
import { inTransaction } from './transaction.js'

/** Whose: a person's by their Slack user id, or a channel's. */
export type SettingKey = Pick<SettingTable, 'scope' | 'id'>

/** Undefined where nothing was ever chosen. */
export async function readSetting(db: Database, { scope, id }: SettingKey): Promise<unknown> {
  const row = await db
    .selectFrom('settings')
    .select('value')
    .where('scope', '=', scope)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && JSON.parse(row.value)
}

/** Replaces all of it. `now`: milliseconds since 1970. */
export async function saveSetting(
  db: Database,
  { scope, id }: SettingKey,
  value: object,
  by: Actor,
  now: number,
): Promise<void> {
  const set = { value: JSON.stringify(value), changedBy: by.actor, changedAt: now }
  await inTransaction(db, async (transaction) => {
    await transaction
      .insertInto('settings')
      .values({ scope, id, ...set })
      .onConflict((same) => same.columns(['scope', 'id']).doUpdateSet(set))
      .execute()
    const details = { answers: { for: scope === 'person' ? 'themselves' : id, ...value } }
    await recordAct(transaction, { action: 'settings_changed', requester: by.actor, ...by, details }, now)
  })
}
