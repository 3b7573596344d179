/**
 * The chain of the audit rows. Each sealed row has a number and a hash over the hash before it, its number and all its columns,
 * so that a row that was altered, dropped or moved later doesn't fit any more. With a key, nobody who only has the database can
 * make hashes that fit.
 */
import { createHash, createHmac } from 'node:crypto'
import type { AuditRow } from './audit.js'
import type { AuditHeadTable, Database } from './schema.js'
import { inTransaction } from './transaction.js'

/** The first one seals, all of them verify. Empty: plain hashes, which catch accidents but not forgery. */
export type AuditKeys = readonly string[]

/** The last sealed row, to be kept where someone who changes the database can't change it too. */
export type AuditAnchor = Pick<AuditHeadTable, 'seq' | 'hash'>

/** How many rows one transaction seals, and how many one query verifies. */
const BATCH = 500

/**
 * Chains rows that are not sealed yet, oldest first. Several processes may do this at once: the head moves by compare-and-set,
 * and who is second changes nothing.
 *
 * @returns how many rows were sealed.
 */
export async function sealRows(db: Database, keys: AuditKeys, limit = BATCH): Promise<number> {
  return await inTransaction(db, async (transaction) => {
    const head = await readHead(transaction)
    const rows = await transaction
      .selectFrom('audit')
      .selectAll()
      .where('seq', 'is', null)
      .orderBy('at')
      .orderBy('jobId')
      .orderBy('jobVersion')
      .orderBy('id')
      .limit(limit)
      .execute()
    let { seq, hash } = head
    const sealed = rows.map((row) => {
      seq += 1
      hash = hashOf(row, { seq, previous: hash, key: keys[0] })
      return { id: row.id, seq, hash }
    })
    if (sealed.length === 0) return 0
    const { numUpdatedRows } = await transaction
      .updateTable('auditHead')
      .set({ seq, hash })
      .where('seq', '=', head.seq)
      .where('hash', '=', head.hash)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return 0
    for (const { id, ...place } of sealed)
      await transaction.updateTable('audit').set(place).where('id', '=', id).execute()
    return sealed.length
  })
}

/** The end of the chain. */
export async function readAnchor(db: Database): Promise<AuditAnchor> {
  const { seq, hash } = await readHead(db)
  return { seq, hash }
}

async function readHead(db: Database): Promise<AuditHeadTable> {
  return await db.selectFrom('auditHead').selectAll().executeTakeFirstOrThrow()
}

/**
 * Deletes sealed rows that are older than `before`, from the old end of the chain only, which then begins with the first row
 * that stays.
 *
 * @param before milliseconds since 1970.
 * @returns how many rows were deleted.
 */
export async function purgeAudit(db: Database, before: number, limit = BATCH): Promise<number> {
  return await inTransaction(db, async (transaction) => {
    const { firstSeq } = await readHead(transaction)
    const oldest = await transaction
      .selectFrom('audit')
      .select(['seq', 'at', 'hash'])
      .where('seq', '>=', firstSeq)
      .orderBy('seq')
      .limit(limit)
      .execute()
    const kept = oldest.findIndex(({ at }) => at >= before)
    const last = oldest.slice(0, kept === -1 ? undefined : kept).at(-1)
    if (!last || last.seq === null || last.hash === null) return 0
    const { numUpdatedRows } = await transaction
      .updateTable('auditHead')
      .set({ firstSeq: last.seq + 1, firstHash: last.hash })
      .where('firstSeq', '=', firstSeq)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return 0
    await transaction.deleteFrom('audit').where('seq', '<=', last.seq).execute()
    return last.seq + 1 - firstSeq
  })
}

/** What a walk along the chain found out. `from` and `to` are the numbers of the first and the last row that is kept. */
export interface AuditReport {
  from: number
  head: AuditAnchor
  /** Of the first row, in milliseconds since 1970; null if there's none. */
  since: number | null
  /** Rows that wait to be sealed. */
  unsealed: number
  /** The last row that was sealed without a key, if later ones have one, or there are keys to verify with. */
  lastPlain: number | null
  /** Null if the chain is intact. */
  fault: AuditFault | null
}

export type AuditFault =
  /** The row doesn't fit its hash, or the hash before it. */
  | { kind: 'altered'; seq: number }
  /** Rows up to this one, which comes next, are gone. */
  | { kind: 'missing'; seq: number; to: number }
  /** The last rows are gone, or the head was set back or forward. */
  | { kind: 'cut'; seq: number }
  /** The row was sealed with a key that isn't among ours. */
  | { kind: 'unknown_key'; seq: number; hasKeys: boolean }
  /** The row was sealed without a key, after rows that were sealed with one. */
  | { kind: 'no_key'; seq: number }
  /** The row that the operator has the hash of, from the log, is another one or is gone. */
  | { kind: 'anchor'; seq: number }

/** Walks along the whole chain. Dolly may run meanwhile: rows sealed later are not looked at. */
export async function verifyAudit(db: Database, keys: AuditKeys, anchor?: AuditAnchor): Promise<AuditReport> {
  for (;;) {
    const head = await readHead(db)
    const report = await walk(db, keys, head, anchor)
    // Rows that are deleted because of their age while we walk are no fault.
    if (report.fault === null || (await readHead(db)).firstSeq === head.firstSeq) return report
  }
}

async function walk(
  db: Database,
  keys: AuditKeys,
  head: AuditHeadTable,
  anchor: AuditAnchor | undefined,
): Promise<AuditReport> {
  const { unsealed } = await db
    .selectFrom('audit')
    .select((row) => row.fn.countAll<number>().as('unsealed'))
    .where('seq', 'is', null)
    .executeTakeFirstOrThrow()
  const { seq: to, hash, firstSeq } = head
  const report: AuditReport = {
    from: firstSeq,
    head: { seq: to, hash },
    since: null,
    unsealed,
    lastPlain: null,
    fault: null,
  }
  const end = (fault: AuditFault | null) => ({ ...report, fault })
  let [last, previous, hasKeyedRows, isAnchored] = [firstSeq - 1, head.firstHash, false, anchor === undefined]
  for (;;) {
    const rows = await db
      .selectFrom('audit')
      .selectAll()
      .where('seq', '>', last)
      .where('seq', '<=', to)
      .orderBy('seq')
      .limit(BATCH)
      .execute()
    for (const row of rows) {
      const seq = last + 1
      report.since ??= row.at
      if (row.seq !== seq) return end({ kind: 'missing', seq, to: (row.seq ?? seq) - 1 })
      const sealedBy = keyOf(row.hash ?? '', keys)
      if (sealedBy === 'unknown') return end({ kind: 'unknown_key', seq, hasKeys: keys.length > 0 })
      if (row.hash !== hashOf(row, { seq, previous, key: sealedBy })) return end({ kind: 'altered', seq })
      if (sealedBy === undefined && hasKeyedRows) return end({ kind: 'no_key', seq })
      if (sealedBy === undefined && keys.length > 0) report.lastPlain = seq
      if (seq === anchor?.seq) {
        if (row.hash !== anchor.hash) return end({ kind: 'anchor', seq })
        isAnchored = true
      }
      hasKeyedRows ||= sealedBy !== undefined
      ;[last, previous] = [seq, row.hash]
    }
    if (rows.length < BATCH) break
  }
  if (last !== to || previous !== hash) return end({ kind: 'cut', seq: Math.min(last + 1, to + 1) })
  const isTooOld = anchor !== undefined && anchor.seq < firstSeq
  return end(isAnchored || isTooOld ? null : { kind: 'anchor', seq: anchor?.seq ?? 0 })
}

/** A prefix says how a row was sealed, so that a missing or another key isn't taken for forgery. */
function hashOf(
  row: AuditRow,
  { seq, previous, key }: { seq: number; previous: string; key: string | undefined },
): string {
  const text = `${previous}\n${seq}\n${canonical(row)}`
  if (key === undefined) return `sha256:${createHash('sha256').update(text).digest('hex')}`
  return `hmac-${idOf(key)}:${createHmac('sha256', key).update(text).digest('hex')}`
}

/** All columns in a fixed order. A new column goes to the end, and only where it isn't null. */
function canonical(row: AuditRow): string {
  const { id, at, action, actor, requester, jobId, jobVersion, connection, operation } = row
  const { source, target, channel, details, requestId } = row
  const who = [id, at, action, actor, requester]
  return JSON.stringify([...who, jobId, jobVersion, connection, operation, source, target, channel, details, requestId])
}

/** Tells keys apart without giving them away. */
function idOf(key: string): string {
  return createHmac('sha256', key).update('the id of this key').digest('hex').slice(0, 8)
}

/** The key that a row was sealed with; undefined for none. A hash in neither form doesn't match as a plain one either. */
function keyOf(hash: string, keys: AuditKeys): string | undefined | 'unknown' {
  const [, id] = /^hmac-([0-9a-f]{8}):/.exec(hash) ?? []
  return id === undefined ? undefined : (keys.find((key) => idOf(key) === id) ?? 'unknown')
}
