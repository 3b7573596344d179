/** Hands threads with pending events to the sender: decides when and in which order, not what is posted. */
import { EventEmitter, once } from 'node:events'
import type { NotifyResult, Thread } from '../domain/thread.js'
import { withLogFields } from '../log-fields.js'
import { type ClaimedThread, claimPendingThreads, releaseThread } from '../store/claims.js'
import { type PendingThread, readPendingThread, readThread } from '../store/messages.js'
import type { WorkerContext } from './context.js'
import { withClaim } from './tasks.js'

/**
 * Brings one claimed thread up to date, and marks each event as it goes.
 *
 * @param isOurs answers whether the claim surely still holds: called right before a request leaves.
 */
export type Notify = (thread: PendingThread, stopping: AbortSignal, isOurs: () => boolean) => Promise<NotifyResult>

/** Few of one channel: what doesn't fit into its rate limit would only be put back. */
const limit = { threads: 50, perChannel: 5 }

/** How long a thread is left alone after a bug or a failed query, in milliseconds. */
const BROKEN_WAIT_MS = 5_000

export class Notifier {
  readonly #context: WorkerContext
  readonly #notify: Notify
  /** Emits the id of each job whose thread was worked at. */
  readonly #worked = new EventEmitter()

  constructor(context: WorkerContext, notify: Notify) {
    this.#context = context
    this.#notify = notify
  }

  /**
   * Works once through the threads with pending events; returns whether any was brought up to date. A thread that can't be
   * notified now is left alone for a while. Channels don't wait for each other.
   *
   * @param againIn called with the milliseconds until the first such pause is over.
   */
  async notifyPending(stopping: AbortSignal, againIn: (ms: number) => void = () => {}): Promise<boolean> {
    const { db, now } = this.#context
    return await withClaim(
      this.#context,
      (claimant) => claimPendingThreads(db, limit, now(), claimant),
      async (claims, isOurs) => {
        const channels = [...new Set(claims.map(({ channel }) => channel))]
        const ofChannel = (channel: string) => claims.filter((claim) => claim.channel === channel)
        const waits = await Promise.all(
          channels.map((channel) => this.#notifyChannel(ofChannel(channel), stopping, isOurs)),
        )
        const pauses = waits.flat().filter((ms) => ms > 0)
        if (pauses.length > 0) againIn(Math.min(...pauses))
        return waits.flat().includes(0)
      },
    )
  }

  /**
   * Waits until the thread of a job has begun, which the caller has woken a run for, but no longer than this many
   * milliseconds. Returns where the thread is or has to go; null if there's no such job.
   */
  async waitForThread(jobId: string, withinMs: number): Promise<Thread | null> {
    const signal = AbortSignal.timeout(Math.max(withinMs, 0))
    for (;;) {
      const worked = once(this.#worked, jobId, { signal }).catch(() => undefined)
      const thread = await readThread(this.#context.db, jobId)
      if (thread === null || thread.ts !== null || signal.aborted) return thread
      await worked
    }
  }

  /** Returns how long each thread that was worked at is left alone, in milliseconds. */
  async #notifyChannel(
    claims: readonly ClaimedThread[],
    stopping: AbortSignal,
    isOurs: () => boolean,
  ): Promise<number[]> {
    const waits: number[] = []
    for (const claim of claims) {
      const notifyNow = () => this.#notifyOne(claim, stopping, isOurs)
      const { waitMs, isUnanswered } = await withLogFields({ job: claim.jobId }, notifyNow)
      waits.push(waitMs)
      // The next run continues here. This one takes as long as its slowest channel, and the others wait for that.
      if (isUnanswered) break
    }
    return waits
  }

  /** Never rejects: a run that ended while its other channels are still busy would let the next one start beside it. */
  async #notifyOne(claim: ClaimedThread, stopping: AbortSignal, isOurs: () => boolean): Promise<NotifyResult> {
    const { db, log, now } = this.#context
    let result: NotifyResult = { waitMs: 0 }
    try {
      const thread = stopping.aborted ? null : await readPendingThread(db, claim)
      if (thread) result = await this.#notify(thread, stopping, isOurs)
    } catch (error) {
      log.error({ job: claim.jobId, err: error }, 'notifying broke; it is tried again')
      result = { waitMs: BROKEN_WAIT_MS }
    }
    await releaseThread(db, claim, now(), result.waitMs).catch((error) =>
      log.error({ job: claim.jobId, err: error }, 'a thread could not be given back; it is tried again'),
    )
    this.#worked.emit(claim.jobId)
    return result
  }
}
