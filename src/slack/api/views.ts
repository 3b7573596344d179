/** Redraws an open modal, with retries: one lost edit must not lose what a person chose. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ModalView } from '@slack/types'
import { classifySlackError, RetryLater } from './errors.js'

/** The part of Slack's client that redraws views. */
export interface Views {
  views: {
    update(edit: { view_id: string; hash?: string; view: ModalView }): Promise<{ view?: { hash?: string } }>
  }
}

interface Edit {
  id: string
  view: ModalView
  /** Of the version that this edit is for; another one is left as it is. Without it any version is redrawn. */
  hash?: string | undefined
  /** The same for all tries but the first: what came after that is newer than this edit. Default `hash`. */
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
 * Tries up to three times within ten seconds, and waits as long as Slack asks if that fits in. Drawing the same twice does
 * no harm, so an edit whose answer was lost is simply made again.
 *
 * @returns the new version's hash, where Slack tells it.
 * @throws what Slack answered: at once when it refuses (`hash_conflict`, `not_found`), else after the last try.
 */
export async function updateView(
  client: Views,
  { id, view, hash, retryHash = hash }: Edit,
  { elapsed, sleep = delay }: Pace,
): Promise<string | undefined> {
  const began = elapsed()
  for (let tries = 1; ; tries += 1) {
    const only = tries === 1 ? hash : retryHash
    try {
      const answer = await client.views.update({ view_id: id, ...(only === undefined ? {} : { hash: only }), view })
      return answer.view?.hash
    } catch (error) {
      const trouble = classifySlackError(error, 0)
      if (!(trouble instanceof RetryLater) || tries === MAX_TRIES) throw error
      const pauseMs = trouble.isRateLimit ? trouble.ms : FIRST_PAUSE_MS * 2 ** (tries - 1)
      if (elapsed() + pauseMs - began > WITHIN_MS) throw error
      await sleep(pauseMs)
    }
  }
}
