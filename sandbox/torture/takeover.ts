/** How long the work of a replica that was killed waits for another one. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Takeover {
  /** From the kill, or from when the job was due after it, until another replica had the job. */
  ms: number
  /** Postgres was away, or no other replica was there for long enough. */
  isExcused: boolean
}

/** How long a takeover is watched, in milliseconds: the next replica may have died too. */
const WATCHED_FOR_MS = 60_000
const LOOK_EVERY_MS = 250

interface ClaimRow {
  claim_token: string
  due_at: number | null
}

/**
 * Reads which jobs the dead process has claimed, and waits until others have claimed them or their claims are gone.
 *
 * @param isExcused asked when that is so.
 */
export async function watchTakeover(
  rows: <T>(sql: string, ...values: string[]) => Promise<T[]>,
  pid: number,
  isExcused: () => boolean,
  note: (takeover: Takeover) => void,
): Promise<void> {
  const killedAt = Date.now()
  try {
    const claims = `select claim_token, due_at from jobs join processes on processes.id = claim_owner`
    const dead = `${claims} where processes.name like ? and ended_at is null`
    let left = await rows<ClaimRow>(dead, `process ${pid} on %`)
    while (left.length > 0 && Date.now() - killedAt < WATCHED_FOR_MS) {
      await delay(LOOK_EVERY_MS)
      const there = await rows<ClaimRow>('select claim_token, due_at from jobs where claim_token is not null')
      const isHeld = ({ claim_token }: ClaimRow) => there.some((one) => one.claim_token === claim_token)
      for (const { due_at } of left.filter((one) => !isHeld(one))) {
        const ms = Date.now() - Math.max(killedAt, due_at ?? killedAt)
        note({ ms: Math.max(ms, 0), isExcused: isExcused() })
      }
      left = left.filter(isHeld)
    }
    for (const _ of left) note({ ms: WATCHED_FOR_MS, isExcused: isExcused() })
  } catch {
    // The database was away for too long, or the run is over.
  }
}
