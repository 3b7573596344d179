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

/** One thing a person can type. */
export interface Verb {
  /** The first is the one that help shows; the others are what people type instead. */
  words: readonly [string, ...string[]]
  /** As in help: `status [job]`. */
  usage: string
  /** What it does, after a dash: "where a job stands". */
  does: string
  /** On which line of the short help it is; absent for the last one. */
  group?: 'presets' | 'follow' | 'steer'
  /** The rule without which a person can do nothing with it; help then leaves it out. Absent: their own jobs are enough. */
  needs?: Rule
  /**
   * @returns what this person alone reads; null when a form opened, or a thread says what happened.
   * @throws UserError for what the person can mend.
   */
  run(request: CommandRequest): Promise<Answer | null>
}
