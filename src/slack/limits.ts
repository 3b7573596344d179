/** Slack's limits of length in one table. Our own texts must fit (`mustFit`), everybody else's are cut (`cut` in lib/text.ts). */

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
