/** The presets table: answers that were saved under a name. */
import { randomUUID } from 'node:crypto'
import type { Selectable, Transaction } from 'kysely'
import { MAX_PRESETS, type Preset, type PresetScope } from '../domain/preset.js'
import { type Actor, recordAct } from './audit.js'
import { markHomes } from './homes.js'
import { takeAdvisoryLock } from './postgres.js'
import type { Database, PresetTable, Schema } from './schema.js'
import { inTransaction } from './transaction.js'

export type NewPreset = Omit<Preset, 'id' | 'createdAt'>

export type Saving =
  | { kind: 'saved'; preset: Preset }
  /** This owner has one of that name. */
  | { kind: 'taken'; preset: Preset }
  /** This owner has as many as one may have. */
  | { kind: 'full' }

/**
 * Saves a preset; never in place of another one.
 *
 * @param askedIn the channel in which somebody saves it; null where that isn't known.
 */
export async function savePreset(
  db: Database,
  wanted: NewPreset,
  askedIn: string | null,
  now: number,
): Promise<Saving> {
  const { scope, owner, name, values, labels } = wanted
  return await inTransaction(db, async (transaction): Promise<Saving> => {
    await takeAdvisoryLock(transaction, `presets of ${scope} ${owner}`)
    const owned = transaction.selectFrom('presets').where('scope', '=', scope).where('owner', '=', owner)
    const taken = await owned.selectAll().where('name', '=', name).executeTakeFirst()
    if (taken) return { kind: 'taken', preset: toPreset(taken) }
    const { count } = await owned.select((row) => row.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
    if (count >= MAX_PRESETS) return { kind: 'full' }
    const row = { ...wanted, values: JSON.stringify(values), labels: JSON.stringify(labels) }
    const saved = await transaction
      .insertInto('presets')
      .values({ ...row, id: randomUUID(), createdAt: now })
      .returningAll()
      .executeTakeFirstOrThrow()
    const preset = toPreset(saved)
    await note(transaction, 'preset_saved', preset, { actor: preset.createdBy, channel: askedIn }, now)
    return { kind: 'saved', preset }
  })
}

/** Who looks for presets, and where: the ids of one person, none for what all find, and a channel if it is known. */
export interface PresetReader {
  ids: readonly string[]
  channel: string | null
}

/** All presets that this person finds here: their own first, then the channel's, then everyone's; each by name. */
export async function listPresets(db: Database, { ids, channel }: PresetReader): Promise<Preset[]> {
  const rows = await db
    .selectFrom('presets')
    .selectAll()
    .where((row) =>
      row.or([
        row('scope', '=', 'everyone'),
        ...(ids.length === 0 ? [] : [row('scope', '=', 'person').and('owner', 'in', [...ids])]),
        ...(channel === null ? [] : [row('scope', '=', 'channel').and('owner', '=', channel)]),
      ]),
    )
    .orderBy('name')
    .execute()
  return rows.map(toPreset).sort((one, other) => ORDER[one.scope] - ORDER[other.scope])
}

const ORDER: Readonly<Record<PresetScope, number>> = { person: 0, channel: 1, everyone: 2 }

export async function readPreset(db: Database, id: string): Promise<Preset | null> {
  const row = await db.selectFrom('presets').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? toPreset(row) : null
}

/** Returns whether it was there. */
export async function deletePreset(db: Database, preset: Preset, by: Actor, now: number): Promise<boolean> {
  return await inTransaction(db, async (transaction) => {
    const { numDeletedRows } = await transaction.deleteFrom('presets').where('id', '=', preset.id).executeTakeFirst()
    if (numDeletedRows === 0n) return false
    await note(transaction, 'preset_deleted', preset, by, now)
    return true
  })
}

/** For the audit, and for the open Home tabs of those who find this preset. */
async function note(
  transaction: Transaction<Schema>,
  action: 'preset_saved' | 'preset_deleted',
  { name, scope, owner, createdBy: requester, connection, operation, source, target }: Preset,
  by: Actor,
  now: number,
): Promise<void> {
  const about = { requester, connection, operation, source, target }
  const detail = scope === 'channel' ? `${name}, for the channel ${owner}` : `${name}, for ${FOR[scope]}`
  await recordAct(transaction, { action, ...about, ...by, details: { detail } }, now)
  await markHomes(transaction, new Set([scope === 'person' ? owner : 'all']), now)
}

const FOR = { person: 'themselves', everyone: 'everyone' } as const

function toPreset(row: Selectable<PresetTable>): Preset {
  return { ...row, values: JSON.parse(row.values), labels: JSON.parse(row.labels) }
}
