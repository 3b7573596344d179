/** Untold events → whoever tells them. Knows when something is to be told and in which order, not where or how. */
import { claimUntold, readUntold, releaseTelling, type Untold } from '../store/events.js'
import type { Lease } from '../store/schema.js'
import type { WorkerContext } from './context.js'

/** One worker tells in one process: what it finds claimed is its own, from an earlier run. */
function leaseOf({ now }: WorkerContext): Lease {
  return { worker: 'notify', now: now(), leaseMs: 10_000 }
}

/** How telling a thread ended. */
export interface Told {
  /** For how long the thread is left alone, in milliseconds; 0 when it is up to date. */
  waitMs: number
  /** Nobody answered, so that others in the same place would only wait as long. Default false. */
  isUnanswered?: boolean
}

/** Tells all of a job's untold events, and ticks each off as it goes. */
export type Tell = (untold: Untold, stopping: AbortSignal) => Promise<Told>

/** Few of one channel: what does not fit into its budget would only be put back. */
const atOnce = { threads: 50, perChannel: 5 }

/**
 * One round over the threads that are behind. Answers whether any thread was brought up to date. A thread that cannot be
 * told now asks for a pause and is left alone for that long; channels do not wait for each other.
 *
 * @param againIn is told in how many milliseconds the first such pause is over.
 */
export async function notifyPending(
  context: WorkerContext,
  tell: Tell,
  stopping: AbortSignal,
  againIn: (ms: number) => void = () => {},
): Promise<boolean> {
  const claimed = await claimUntold(context.db, atOnce, leaseOf(context))
  const waits: number[] = []
  const tellChannel = async (wanted: string) => {
    const threads = claimed.filter(({ channel }) => channel === wanted).map(({ jobId }) => jobId)
    let isUnanswered = false
    for (const jobId of threads) {
      if (isUnanswered) {
        // The next round goes on here. This one ends with its slowest channel, and others wait for the next.
        await giveBack(context, jobId, 0)
        continue
      }
      const told = await tellOne(context, tell, jobId, stopping)
      isUnanswered = told.isUnanswered ?? false
      waits.push(told.waitMs)
    }
  }
  await Promise.all([...new Set(claimed.map(({ channel }) => channel))].map(tellChannel))
  const pauses = waits.filter((ms) => ms > 0)
  if (pauses.length > 0) againIn(Math.min(...pauses))
  return waits.includes(0)
}

/** Never rejects: a round that ended while others of its channels are still being told would let the next one tell them again. */
async function tellOne(context: WorkerContext, tell: Tell, jobId: string, stopping: AbortSignal): Promise<Told> {
  let told: Told = { waitMs: 0 }
  try {
    const untold = stopping.aborted ? null : await readUntold(context.db, jobId, 'notify')
    if (untold) told = await tell(untold, stopping)
  } catch (error) {
    context.log.error({ job: jobId, err: error }, 'telling broke; it is tried again')
    told = { waitMs: 5_000 }
  }
  await giveBack(context, jobId, told.waitMs)
  return told
}

async function giveBack(context: WorkerContext, jobId: string, pauseMs: number): Promise<void> {
  await releaseTelling(context.db, jobId, leaseOf(context), pauseMs).catch((error) =>
    context.log.error({ job: jobId, err: error }, 'a thread could not be given back; the next round takes it up again'),
  )
}
