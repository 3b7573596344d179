/** The three kinds of errors, by who must act. Anything else that is thrown is a bug. */

/** The person who typed can fix it. Shown on the form's field, or only to that person. */
export class UserError extends Error {
  override readonly name = 'UserError'
  /** Key of the form field at fault, if there is one. */
  readonly field: string | undefined
  /** HTTP status of the provider's refusal, if there was one; providers branch on it, nobody shows it. */
  readonly status: number | undefined
  /** What to type instead, as a whole command: `/clone-app hoody-prod copy`. Shown on a line of its own, to be copied. */
  readonly instead: string | undefined

  constructor(
    message: string,
    details: { field?: string | undefined; status?: number | undefined; instead?: string | undefined } = {},
  ) {
    super(message)
    this.field = details.field
    this.status = details.status
    this.instead = details.instead
  }
}

/** The operator must fix it: a token refused, a wrong address. Names the connection, never the token. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  /** HTTP status of the provider's refusal, if there was one. */
  readonly status: number | undefined

  constructor(message: string, details: { status?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: details.cause })
    this.status = details.status
  }
}

/** A server that asks for a longer wait made a mistake or has a wrong clock. */
export const MAX_RETRY_AFTER_MS = 15 * 60_000

/** Nobody must act: it is tried again later. */
export class TemporaryError extends Error {
  override readonly name = 'TemporaryError'
  /** How long the other side asked us to wait, in milliseconds: from 0 to MAX_RETRY_AFTER_MS. */
  readonly retryAfterMs: number | undefined
  /**
   * Whether the request may have taken effect although no usable answer came back (timeout, reset, 5xx). False if it surely
   * did not (429, connection refused): only then may it be sent again without looking first.
   */
  readonly mayHaveHappened: boolean
  /** HTTP status of the provider's answer, if there was one. */
  readonly status: number | undefined

  constructor(
    message: string,
    details: { retryAfterMs?: number | undefined; mayHaveHappened: boolean; status?: number; cause?: unknown },
  ) {
    super(message, { cause: details.cause })
    this.retryAfterMs = waitOf(details.retryAfterMs)
    this.mayHaveHappened = details.mayHaveHappened
    this.status = details.status
  }
}

/** A list that exceeds our limits or never ends. The message is for the person who asked for the list. */
export class UnreadableListError extends TemporaryError {
  constructor(message: string, details: { mayHaveHappened: boolean } = { mayHaveHappened: false }) {
    super(message, details)
  }
}

/**
 * The database is busy or away. With `mayHaveHappened` its answer was lost, so a change may have been made; otherwise it surely
 * wasn't.
 */
export class DatabaseError extends TemporaryError {
  constructor(message: string, { mayHaveHappened, cause }: { mayHaveHappened: boolean; cause?: unknown }) {
    super(message, { mayHaveHappened, cause })
  }
}

function waitOf(ms: number | undefined): number | undefined {
  return ms === undefined || Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

/** The network error below a failed fetch. A name with several addresses fails with one error for each of them. */
export function rootCause(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof AggregateError ? cause.errors[0] : cause
}

/** Whether a fetch failed before it was connected, so that surely nothing was sent. */
export function wasNeverSent(error: unknown): boolean {
  const root = rootCause(error)
  if (!(root instanceof Error)) return false
  const systemCall = 'syscall' in root ? root.syscall : undefined
  const code = 'code' in root ? root.code : undefined
  return systemCall === 'connect' || systemCall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT'
}

/** Whether the provider answered 404. */
export function isNotFound(error: unknown): error is UserError {
  return error instanceof UserError && error.status === 404
}

/** The answer of a request, or null for a 404. */
export async function unlessNotFound<T>(request: Promise<T>): Promise<T | null> {
  try {
    return await request
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}
