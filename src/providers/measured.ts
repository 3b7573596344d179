/** A connection's client that also measures: how long each request took, how it ended, and who asks to slow down. */
import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import type { Meter, RequestKind, RequestOutcome } from '../metrics/meter.js'
import type { Api } from './provider.js'

const TOO_MANY_REQUESTS = 429

/** @param elapsed monotonic milliseconds. */
export function measuredApi(
  api: Api,
  of: { connection: string; provider: string },
  { meter, elapsed }: { meter: Meter; elapsed(): number },
): Api {
  const measured = (kind: RequestKind, send: Api['post']): Api['post'] => {
    return async (path, schema, options) => {
      let sentAt: number | undefined
      const beforeSend = async () => {
        await options?.beforeSend?.()
        sentAt = elapsed()
      }
      const note = (outcome: RequestOutcome) => {
        // What our own check stopped, or a login before it, wasn't sent.
        if (sentAt !== undefined) meter.requested({ ...of, kind, outcome }, elapsed() - sentAt)
      }
      try {
        const answer = await send(path, schema, { ...options, beforeSend })
        note('ok')
        return answer
      } catch (error) {
        const outcome = outcomeOf(error)
        // Also of a login.
        if (outcome === 'rate_limited') meter.rateLimited({ service: of.provider, connection: of.connection })
        note(outcome)
        throw error
      }
    }
  }
  const { get, post, put, patch, delete: remove } = api
  return {
    ...api,
    get: measured('read', get),
    post: measured('write', post),
    put: measured('write', put),
    patch: measured('write', patch),
    delete: measured('write', remove),
  }
}

function outcomeOf(error: unknown): RequestOutcome {
  const isOurs = error instanceof TemporaryError || error instanceof UserError || error instanceof ConnectionError
  if (!isOurs) return 'bug'
  if (error.status === TOO_MANY_REQUESTS) return 'rate_limited'
  if (error instanceof UserError) return 'refused'
  if (error instanceof ConnectionError) return 'misconfigured'
  return error.mayHaveHappened ? 'lost' : 'unavailable'
}
