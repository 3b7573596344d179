/** Slack's limits in one table. Our own texts must fit (`mustFit`), everybody else's are cut (`cut` in lib/text.ts). */

/** Characters unless said otherwise. From docs.slack.dev/reference/block-kit and /reference/views. */
export const limits = {
  modalTitle: 24,
  modalBlocks: 100,
  privateMetadata: 3_000,
  inputLabel: 2_000,
  inputHint: 2_000,
  plainTextInput: 3_000,
  placeholder: 150,
  options: 100,
  optionGroups: 100,
  optionText: 75,
  optionValue: 150,
  optionDescription: 75,
  optionGroupLabel: 75,
  messageText: 4_000,
  sectionText: 3_000,
  headerText: 150,
  buttonText: 75,
  buttonValue: 2_000,
  buttonUrl: 3_000,
  confirmText: 300,
  confirmButton: 30,
  /** Shown under a field; Slack publishes no number, longer ones are hard to read. */
  fieldError: 300,
} as const

/** A longer wait than this, asked for by Slack, is taken for a mistake. */
export const MAX_PAUSE_MS = 15 * 60_000

/** At most `burst` calls at once, and `perMinute` in the long run. */
export interface Pace {
  perMinute: number
  burst: number
}

/**
 * How often the methods we use may be called, in one channel and in all of a workspace together. From
 * docs.slack.dev/apis/web-api/rate-limits: a message a second in a channel with short bursts above it and several hundred
 * a minute in a workspace; tier 3 is fifty a minute, here so that no minute has more than fifty with its burst.
 */
export const paces = {
  'chat.postMessage': { channel: { perMinute: 60, burst: 4 }, workspace: { perMinute: 240, burst: 20 } },
  'chat.update': { workspace: { perMinute: 45, burst: 5 } },
  'conversations.history': { workspace: { perMinute: 45, burst: 5 } },
  'conversations.replies': { workspace: { perMinute: 45, burst: 5 } },
} as const satisfies Record<string, { channel?: Pace; workspace: Pace }>

export type Method = keyof typeof paces

/**
 * Returns our own text as it is.
 *
 * @throws RangeError if it is too long, so that a test fails before a person sees half a sentence.
 */
export function mustFit(text: string, maxLength: number): string {
  if (text.length > maxLength)
    throw new RangeError(`"${text}" has ${text.length} characters; Slack takes ${maxLength} here.`)
  return text
}
