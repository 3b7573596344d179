/** Updates an open modal, with retries: a lost update must not lose what a person chose. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ModalView } from '@slack/types'
import { classifySlackError, RetryLaterError } from './errors.js'

/** The part of Slack's client that updates views. */
export interface Views {
  views: {
    update(edit: { view_id: string; hash?: string; view: ModalView }): Promise<{ view?: { hash?: string } }>
  }
}

interface Edit {
  id: string
  view: ModalView
  /** Of the version to update; any other version is left as it is. Without a hash any version is replaced. */
  hash?: string | undefined
  /** For all tries but the first, because the view may have changed since. Default `hash`. */
  retryHash?: string | undefined
}

interface Pace {
  /** Monotonic milliseconds. */
  elapsed(): number
  sleep?(ms: number): Promise<unknown>
}

const MAX_TRIES = 3
const FIRST_PAUSE_MS = 500
/** No try begins later than this after the first one. */
const WITHIN_MS = 10_000

/**
 * Tries up to three times within ten seconds, and waits as long as Slack asks if that fits in. An update whose answer was
 * lost is repeated, which does no harm.
 *
 * @returns the new version's hash, if Slack sends it.
 * @throws Slack's error: at once when it refuses (`hash_conflict`, `not_found`), else after the last try.
 */
export async function updateView(
  client: Views,
  { id, view, hash, retryHash = hash }: Edit,
  { elapsed, sleep = delay }: Pace,
): Promise<string | undefined> {
  const startedAt = elapsed()
  for (let tries = 1; ; tries += 1) {
    const expected = tries === 1 ? hash : retryHash
    try {
      const answer = await client.views.update({
        view_id: id,
        ...(expected === undefined ? {} : { hash: expected }),
        view,
      })
      return answer.view?.hash
    } catch (error) {
      const kind = classifySlackError(error, 0)
      if (!(kind instanceof RetryLaterError) || tries === MAX_TRIES) throw error
      const pauseMs = kind.isRateLimit ? kind.ms : FIRST_PAUSE_MS * 2 ** (tries - 1)
      if (elapsed() + pauseMs - startedAt > WITHIN_MS) throw error
      await sleep(pauseMs)
    }
  }
}
