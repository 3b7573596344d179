/** Buttons below a job's messages, and entries of the menu beside them. */
import type { WebClient } from '@slack/web-api'
import type { Asker } from '../access/rules.js'
import type { Answer } from './answer.js'
import type { Services } from './services.js'

/** A pressed button, by a person whom Slack has identified. */
export interface ButtonRequest {
  services: Services
  client: WebClient
  asker: Asker
  /** What the button carries. Only a hint: the job is read and checked again. */
  jobId: string
  /** What the message showed when the button was drawn, if that matters to it. Only a hint, which can only narrow what it does. */
  drawnFor?: string | undefined
  /** For opening a modal within three seconds. */
  triggerId: string
  /** Whether the button is in an answer to this person alone, which is never updated. */
  isPrivate: boolean
}

/** One thing a person can do to a job with a click. */
export interface JobButton {
  /**
   * The button's `action_id` is `job:<word>` and its value `<job id> [drawnFor]`; an entry of the menu has the value
   * `<word> <job id> [drawnFor]`.
   */
  word: string
  /**
   * @returns what this person alone reads; null when a modal opened, or the message itself shows what happened.
   * @throws UserError for what the person can mend.
   */
  press(request: ButtonRequest): Promise<Answer | null>
}
