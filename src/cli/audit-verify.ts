/** `dolly audit verify`: walks along the audit's chain, and says in sentences whether it is intact. */
import { ConnectionError } from '../errors.js'
import {
  type AuditAnchor,
  type AuditFault,
  type AuditKeys,
  type AuditReport,
  verifyAudit,
} from '../store/audit-chain.js'
import { explainMissing, isMissing, openDatabase } from '../store/database.js'
import { withConfiguration } from './configured.js'

export async function run([anchor]: readonly string[]): Promise<number> {
  return await withConfiguration(async ({ config: { database, auditKeys } }) => {
    const { sentence, isGood } = await verifyAuditOf(database, auditKeys, anchor)
    process.stdout.write(`${sentence}\n`)
    return isGood ? 0 : 1
  })
}

export interface AuditFinding {
  sentence: string
  isGood: boolean
}

/**
 * Verifies the audit of a database, which Dolly may be using.
 *
 * @param anchor `<seq>:<hash>`, as a line of the log has it.
 * @throws ConnectionError when there's no such file, it can't be opened, or the anchor isn't one.
 */
export async function verifyAuditOf(address: string, keys: AuditKeys, anchor?: string): Promise<AuditFinding> {
  if (await isMissing(address))
    throw new ConnectionError(`${explainMissing(address)} Set DATABASE_URL to the database to verify.`)
  const known = anchor === undefined ? undefined : readAnchor(anchor)
  const db = await openDatabase(address)
  try {
    return describeReport(await verifyAudit(db, keys, known), keys, known)
  } finally {
    await db.destroy()
  }
}

function readAnchor(text: string): AuditAnchor {
  const [, seq = '', hash = ''] = /^(\d{1,12}):((?:sha256|hmac-[0-9a-f]{8}):[0-9a-f]{64})$/.exec(text) ?? []
  if (seq === '') {
    throw new ConnectionError(
      `"${text}" isn't an end of the audit chain. Copy the whole value of "anchor" from a log line that says "the end of the audit chain".`,
    )
  }
  return { seq: Number(seq), hash }
}

/** What the report means, in a line each. */
export function describeReport(report: AuditReport, keys: AuditKeys, anchor?: AuditAnchor): AuditFinding {
  const { from, head, since, unsealed, lastPlain, fault } = report
  if (fault) {
    const verdict = fault.kind === 'unknown_key' ? "The audit can't be verified." : 'The audit is NOT intact.'
    return { sentence: `${verdict} ${describeFault(fault)}`, isGood: false }
  }
  // Somebody without the key could have rewritten all rows as plain ones. Only an end of the chain from the log vouches for them.
  if (lastPlain !== null && (anchor === undefined || anchor.seq < lastPlain)) {
    const rest = `Verify again with an "anchor" from the log, for row ${lastPlain} or later, to vouch for them.`
    return {
      sentence: `Rows up to ${lastPlain} were sealed without a key, so anyone could have written them. ${rest}`,
      isGood: false,
    }
  }
  const count = head.seq + 1 - from
  const lines = [
    count === 0
      ? 'OK: the audit has no sealed rows.'
      : `OK: ${inRows(count)}, from ${from} to ${head.seq}, the first of ${new Date(since ?? 0).toISOString()}.`,
    ...(count === 0 ? [] : [`The chain ends with ${head.seq}:${head.hash}`]),
    ...(unsealed === 0 ? [] : [`${inRows(unsealed)} not sealed yet; Dolly seals them within seconds when it runs.`]),
    ...(keys.length === 0 && count > 0 ? [WITHOUT_KEY] : []),
  ]
  return { sentence: lines.join('\n'), isGood: true }
}

const WITHOUT_KEY =
  'Without a key the hashes catch accidents, but not tampering by someone who can write to the database. Set DOLLY_AUDIT_KEY.'

function inRows(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`
}

function describeFault(fault: AuditFault): string {
  switch (fault.kind) {
    case 'altered':
      return `Row ${fault.seq} was altered after it was sealed.`
    case 'missing':
      return fault.to > fault.seq ? `Rows ${fault.seq} to ${fault.to} are missing.` : `Row ${fault.seq} is missing.`
    case 'cut':
      return `Its end was cut off or set back: rows from ${fault.seq} on are missing, or the recorded end of the chain is wrong.`
    case 'anchor':
      return `Row ${fault.seq} doesn't have the hash you gave: it was replaced, or cut off with everything after it.`
    case 'no_key':
      return `Row ${fault.seq} was sealed without a key, after rows that have one: Dolly ran without DOLLY_AUDIT_KEY then, or someone else wrote it.`
    case 'unknown_key':
      return fault.hasKeys
        ? `Row ${fault.seq} was sealed with another key. If you changed DOLLY_AUDIT_KEY, put the old key after the new one, with a space between them.`
        : `Row ${fault.seq} was sealed with a key. Set DOLLY_AUDIT_KEY to it, and verify again.`
  }
}
