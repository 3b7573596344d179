/** What all commands are given, and the errors and look-ups they share. */
import type { z } from 'zod'
import type { AccessRules } from '../access/rules.js'
import type { Job } from '../domain/job.js'
import type { Thread } from '../domain/thread.js'
import { DatabaseError, TemporaryError, UserError } from '../errors.js'
import type { Log } from '../lib/log.js'
import type { SeenBefore } from '../lib/seen.js'
import { type Connection, type Operation, operationOf } from '../providers/provider.js'
import { isSlackUnreachable, triggerProblem } from '../slack/api/errors.js'
import type { ShowHome } from '../slack/api/home.js'
import type { People } from '../slack/api/people.js'
import type { JobDescription } from '../slack/message/job.js'
import type { Database } from '../store/schema.js'
import type { Validator } from './clone/validate.js'
import type { PickerLists } from './picker-lists.js'

export interface Services {
  /** Gives up soon when another process holds the file, because a person is waiting. */
  db: Database
  connections: ReadonlyMap<string, Connection>
  lists: PickerLists
  validator: Validator
  people: People
  access: AccessRules
  /** Starts the workers now instead of at the next tick. */
  wake(): void
  /** Waits until a job's thread has begun, or this many milliseconds. Null if there's no such job. */
  waitForThread(jobId: string, withinMs: number): Promise<Thread | null>
  /** Puts a view into a person's Home tab. */
  showHome: ShowHome
  /** Remembers the requests that came to any process. */
  seenBefore: SeenBefore
  /** A job with the words of its provider. */
  describe(job: Job): Promise<JobDescription>
  now(): number
  /** Monotonic milliseconds; for durations, never timestamps. */
  elapsed(): number
  /** Root of the workspace's message links, such as `https://woolworks.slack.com/`. */
  workspaceUrl(): string
  log: Omit<Log, 'debug'>
}

export interface Target {
  connection: Connection
  operation: Operation
  operationId: string
}

/**
 * Looks up what a form, a command or a draft names.
 *
 * @throws UserError when the connection or operation no longer exists.
 */
export function findTarget(services: Services, connectionName: string, operationId: string): Target {
  const connection = services.connections.get(connectionName)
  const operation = operationOf(connection?.provider, operationId)
  if (!connection || !operation) {
    throw new UserError(`"${connectionName} ${operationId}" is no longer available. Start again with /clone-app.`)
  }
  return { connection, operation, operationId }
}

/**
 * The state that an open modal carries.
 *
 * @throws UserError when it is not of this kind.
 */
export function readFormState<T>(schema: z.ZodType<T>, view: { private_metadata: string }): T {
  try {
    return schema.parse(JSON.parse(view.private_metadata))
  } catch {
    throw new UserError("This form can't be read. Start again with /clone-app.")
  }
}

/** Whether it's unknown if a change was made, because the database's answer was lost. */
export function isInDoubt(error: unknown): boolean {
  return error instanceof DatabaseError && error.mayHaveHappened
}

const IN_DOUBT =
  "The database's answer was lost, so I don't know whether that worked. Look in a minute, in the thread or with /clone-app list, and try again if nothing has happened."

/**
 * A sentence for the person who asked. For a bug it only admits that something broke; the log has the rest. If the answer to a
 * change was lost, it says that that's unknown.
 *
 * @param promise what is true in all other cases. A page may have been sent before, and its answer was lost on the way.
 */
export function explain(
  services: Pick<Services, 'access' | 'log'>,
  error: unknown,
  promise: 'Nothing was started.' | 'Nothing starts twice.' = 'Nothing was started.',
): string {
  if (error instanceof UserError) return error.message
  const trigger = triggerProblem(error)
  if (trigger) {
    services.log.warn({ err: error }, 'Slack opened no page')
    return trigger === 'used' ? "It's open already." : 'Slack took too long, so nothing opened. Try again.'
  }
  if (isSlackUnreachable(error)) {
    services.log.warn({ err: error }, 'Slack did not answer')
    return `Slack didn't answer. ${promise} Try again.`
  }
  if (isInDoubt(error)) {
    services.log.warn({ err: error }, "it's unknown whether a change was made; the person was asked to look")
    return IN_DOUBT
  }
  if (error instanceof TemporaryError) {
    services.log.warn({ err: error }, 'a request failed for now; the person was asked to try again')
    return `${error.message} ${promise} Try again in a moment.`
  }
  services.log.error({ err: error }, 'a request broke')
  return `Something broke on our side. ${promise} Try again, and tell ${services.access.owner} if it happens again.`
}
