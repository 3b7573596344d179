/** Where a job's messages are, and how bringing them up to date ended. */

/** The place of a job's thread. */
export interface Thread {
  /** Where its root stands, or has to go. */
  channel: string
  /** Slack's id of the root in that channel; null until it is known to stand there. */
  ts: string | null
}

/** How an attempt to bring a thread up to date ended. */
export interface NotifyResult {
  /** How long to leave this thread alone, in milliseconds; 0 when it is up to date. */
  waitMs: number
  /** True if the request timed out: other threads of the same channel would only time out too. Default false. */
  isUnanswered?: boolean
}
