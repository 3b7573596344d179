/** Untold events → whoever tells them. Knows when something is to be told and in which order, not where or how. */
import { claimUntold, readUntold, releaseTelling, type Untold } from '../store/events.js'
import type { House } from './house.js'

/** Tells all of a job's untold events, and ticks each off as it goes. */
export type Tell = (untold: Untold, stopping: AbortSignal) => Promise<{ waitMs: number }>

const threadsAtOnce = 50

/**
 * One round over the threads that are behind. Answers whether any thread was brought up to date. A thread that cannot be
 * told now asks for a pause and is left alone for that long.
 */
export async function tellUntold(house: House, tell: Tell, stopping: AbortSignal): Promise<boolean> {
  const lease = { worker: house.worker, now: house.now(), leaseMs: house.leaseMs }
  const jobIds = await claimUntold(house.db, threadsAtOnce, lease)
  let told = false
  for (const jobId of jobIds) {
    let waitMs = 0
    try {
      const untold = stopping.aborted ? null : await readUntold(house.db, jobId, house.worker)
      if (untold) ({ waitMs } = await tell(untold, stopping))
      told ||= waitMs === 0
    } catch (error) {
      house.log.error({ job: jobId, err: error }, 'telling broke; it is tried again')
      waitMs = 5_000
    }
    await releaseTelling(house.db, jobId, house.worker, house.now() + waitMs - 1)
  }
  return told
}
