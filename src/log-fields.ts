/**
 * Which request and which job a log line is about, wherever it is written: they follow the calls and awaits of the work. Bolt, the
 * providers' clients and the database log too, and none of them could be given a log of its own for each request.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

export interface LogFields {
  /** A short id of one of Slack's requests, new for each. */
  request?: string
  job?: string
}

const current = new AsyncLocalStorage<LogFields>()

/** Does work whose log lines have these fields, beside those of the work that it is part of. */
export function withLogFields<T>(fields: LogFields, work: () => T): T {
  return current.run({ ...current.getStore(), ...fields }, work)
}

/** Does work for everybody, which one request or job has only set going. */
export function withoutLogFields<T>(work: () => T): T {
  return current.run({}, work)
}

/** The fields of a line that is written now; a new object each time. */
export function logFields(): LogFields {
  return { ...current.getStore() }
}
