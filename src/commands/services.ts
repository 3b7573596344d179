/** What the commands are given: the store, the connections and a way to say that there is something to do. */
import type { z } from 'zod'
import type { AccessRules } from '../access/rules.js'
import { TemporaryError, UserError } from '../errors.js'
import { type Connection, type Operation, operationOf } from '../providers/provider.js'
import { isSlackAway } from '../slack/api/errors.js'
import type { People } from '../slack/api/people.js'
import { parseFormState } from '../slack/form/state.js'
import type { Database } from '../store/schema.js'
import type { Lists } from './lists.js'

export interface Services {
  /** Gives up soon where another process holds the file: a person waits. */
  db: Database
  connections: ReadonlyMap<string, Connection>
  lists: Lists
  people: People
  access: AccessRules
  /** Something is due: do not wait for the next tick. */
  wake(): void
  now(): number
  /** Milliseconds by a clock that nobody sets, from wherever: for what lasts, not for when. */
  elapsed(): number
  /** Root of the workspace's message links, such as `https://woolworks.slack.com/`. */
  workspaceUrl(): string
  log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
}

export interface Target {
  connection: Connection
  operation: Operation
  operationId: string
}

/**
 * Looks up what a form, a command or a stored memory names.
 *
 * @throws UserError when there is no such connection or operation any more.
 */
export function findTarget(services: Services, connectionName: string, operationId: string): Target {
  const connection = services.connections.get(connectionName)
  const operation = operationOf(connection?.provider, operationId)
  if (!connection || !operation) {
    throw new UserError(`There is no "${connectionName} ${operationId}" here any more. Begin again with /clone-app.`)
  }
  return { connection, operation, operationId }
}

/**
 * What an open modal remembers.
 *
 * @throws UserError when no modal of ours would remember that.
 */
export function readFormState<T>(memory: z.ZodType<T>, view: { private_metadata: string }): T {
  const state = parseFormState(memory, view.private_metadata)
  if (state === undefined) throw new UserError('This form cannot be read. Begin again with /clone-app.')
  return state
}

/**
 * A sentence for the person who asked. A bug goes to the log, and the sentence only admits it. Only for errors before
 * anything was started: the sentence says so.
 */
export function explain(services: Services, error: unknown): string {
  if (error instanceof UserError) return error.message
  if (isSlackAway(error)) {
    services.log.warn({ err: error }, 'Slack did not answer')
    return 'Slack did not answer Dolly just now. Nothing was started. Please try again.'
  }
  if (error instanceof TemporaryError) {
    services.log.warn({ err: error }, 'a person was asked to try again')
    return `${error.message} Nothing was started. Try again in a moment.`
  }
  services.log.error({ err: error }, 'a request of a person broke')
  return 'Something broke on our side; the log has the details. Nothing was started. Please try again.'
}

/** Resolves to undefined when the promise takes longer than this. The promise itself goes on. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
