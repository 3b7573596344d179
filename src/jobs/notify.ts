/** Pending events → whoever posts them. Knows when a thread is to be brought up to date and in which order, not how. */
import { EventEmitter, once } from 'node:events'
import type { NotifyResult, Thread } from '../domain/thread.js'
import { readThread } from '../store/messages.js'
import { claimPendingThreads, type PendingThread, readPendingThread, releaseThread } from '../store/pending-threads.js'
import type { WorkerContext } from './context.js'

/** Brings one claimed thread up to date, and marks each event as it goes. */
export type Notify = (thread: PendingThread, stopping: AbortSignal) => Promise<NotifyResult>

type NotifierContext = Pick<WorkerContext, 'db' | 'log' | 'now'>

type Claim = Awaited<ReturnType<typeof claimPendingThreads>>[number]

/** Few of one channel: what doesn't fit into its rate limit would only be put back. */
const limit = { threads: 50, perChannel: 5 }

/** How long a thread is left alone after a bug or a failed query, in milliseconds. */
const BROKEN_WAIT_MS = 5_000

export class Notifier {
  readonly #context: NotifierContext
  readonly #notify: Notify
  /** Claims that couldn't be given back, because the disk was full: the next run tries again. */
  readonly #unreleased = new Map<Claim, number>()
  /** Emits the id of each job whose thread was worked at. */
  readonly #worked = new EventEmitter()

  constructor(context: NotifierContext, notify: Notify) {
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
    for (const [claim, pauseMs] of this.#unreleased) await this.#release(claim, pauseMs)
    const claims = await claimPendingThreads(db, limit, now())
    const waits: number[] = []
    const notifyChannel = async (channel: string) => {
      let isUnanswered = false
      for (const claim of claims.filter((one) => one.channel === channel)) {
        if (isUnanswered) {
          // The next run continues here. This one takes as long as its slowest channel, and the others wait for that.
          await this.#release(claim, 0)
          continue
        }
        const result = await this.#notifyOne(claim, stopping)
        isUnanswered = result.isUnanswered ?? false
        waits.push(result.waitMs)
      }
    }
    await Promise.all([...new Set(claims.map(({ channel }) => channel))].map(notifyChannel))
    // A claim that is still held looks like no work to do: ask for the run that gives it back.
    const pauses = [...waits.filter((ms) => ms > 0), ...(this.#unreleased.size > 0 ? [BROKEN_WAIT_MS] : [])]
    if (pauses.length > 0) againIn(Math.min(...pauses))
    return waits.includes(0)
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

  /** Never rejects: a run that ended while its other channels are still busy would let the next one start beside it. */
  async #notifyOne(claim: Claim, stopping: AbortSignal): Promise<NotifyResult> {
    const { db, log } = this.#context
    let result: NotifyResult = { waitMs: 0 }
    try {
      const thread = stopping.aborted ? null : await readPendingThread(db, claim)
      if (thread) result = await this.#notify(thread, stopping)
    } catch (error) {
      log.error({ job: claim.jobId, err: error }, 'notifying broke; it is tried again')
      result = { waitMs: BROKEN_WAIT_MS }
    }
    await this.#release(claim, result.waitMs)
    this.#worked.emit(claim.jobId)
    return result
  }

  async #release(claim: Claim, pauseMs: number): Promise<void> {
    try {
      await releaseThread(this.#context.db, claim, this.#context.now(), pauseMs)
      this.#unreleased.delete(claim)
    } catch (error) {
      this.#unreleased.set(claim, pauseMs)
      this.#context.log.error(
        { job: claim.jobId, err: error },
        'a thread could not be given back; the next run tries again',
      )
    }
  }
}
