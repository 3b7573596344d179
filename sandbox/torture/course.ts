/** How the bots of one deployment are killed, from the first start to the end. */

export interface Course {
  /** Each on an empty database. Answers why no process came up in the end, if so. */
  firstStarts: readonly { title: string; run(): Promise<string | undefined> }[]
  /** The start that people work with. */
  begin(hasFailedStarts: boolean): Promise<void>
  /** Each kills one process, and answers when that was, in words. */
  kills: readonly (() => Promise<string>)[]
  /** When all faults are lifted. */
  settle(): Promise<void>
}

/** When a process died, in words. */
export const TIMES = {
  write: 'right after a provider carried out a write',
  post: 'right after Slack took a message',
  'time-out': 'right after giving up waiting for an answer',
  start: 'during a start',
  ready: 'some time after a start',
} as const
