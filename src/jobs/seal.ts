/** Seals audit rows, and notes in the log where their chain ends. */
import { type AuditKeys, readAnchor, sealRows } from '../store/audit-chain.js'
import type { WorkerContext } from './context.js'
import type { Worker } from './scheduler.js'

const ANCHOR_EVERY_MS = 60 * 60_000

/**
 * The worker that chains new audit rows, whose last number and hash it logs once an hour: someone who cuts rows off the end of
 * the chain can't cut them off the log too.
 */
export function sealWorker({ db, elapsed, log }: WorkerContext, keys: AuditKeys): Worker {
  let anchoredAt = Number.NEGATIVE_INFINITY
  const isAnchorDue = () => elapsed() - anchoredAt >= ANCHOR_EVERY_MS
  return {
    name: 'seal',
    countDue: (due) => (due.some(({ kind }) => kind === 'seal') || isAnchorDue() ? 1 : 0),
    runOnce: async () => {
      const sealed = await sealRows(db, keys)
      if (sealed === 0 && isAnchorDue()) {
        anchoredAt = elapsed()
        const { seq, hash } = await readAnchor(db)
        log.info({ anchor: `${seq}:${hash}` }, 'the end of the audit chain')
      }
      return sealed > 0
    },
  }
}
