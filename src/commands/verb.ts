/** What a slash command can begin with, besides the names of connections and operations. */
import type { WebClient } from '@slack/web-api'
import type { Asker, Verb as Rule } from '../access/rules.js'
import type { Answer } from './answer.js'
import type { Services } from './services.js'

/** `/clone-app <verb> …`, from a person whom Slack has identified. */
export interface CommandRequest {
  services: Services
  client: WebClient
  asker: Asker
  /** The whole text, as Slack sent it. */
  text: string
  /** The words after the verb, as typed. */
  words: readonly string[]
  /** What was typed as `field=value`, by field. */
  values: Readonly<Record<string, string>>
  /** For opening a modal within three seconds. */
  triggerId: string
  /** Where the command was typed. */
  channel: string
}

/**
 * A rule verb, or `start`: any operation, and so jobs of their own. To `approve` is also the right of those whom an approval
 * names.
 */
export type Need = Rule | 'start'

/** One thing a person can type. */
export interface Verb {
  /** The first is the one that help shows; the others are what people type instead. */
  words: readonly [string, ...string[]]
  /** As in help: `status [job]`. */
  usage: string
  /** What it does, after a dash: "where a job stands". */
  does: string
  /** On which line of the short help it is; absent for the last one. */
  group?: 'repeat' | 'follow' | 'steer' | 'approve' | 'help'
  /** Help leaves it out for people who have none of these rights, for any target. Absent: it's for everybody. */
  needs?: readonly Need[]
  /**
   * @returns what this person alone reads; null when a form opened, or a thread says what happened.
   * @throws UserError for what the person can mend.
   */
  run(request: CommandRequest): Promise<Answer | null>
}
