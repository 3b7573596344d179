/** Slack's numbers in one table, and the two ways to keep them: an author's text must mustFit, a vendor's is cut. */

/** Characters unless said otherwise. From docs.slack.dev/reference/block-kit and /reference/views. */
export const limits = {
  modalTitle: 24,
  modalBlocks: 100,
  privateMetadata: 3_000,
  inputLabel: 2_000,
  inputHint: 2_000,
  plainTextInput: 3_000,
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
  confirmText: 300,
  confirmButton: 30,
  /** Shown under a field; Slack publishes no number, longer ones are hard to read. */
  fieldError: 300,
} as const

/** A vendor's or a user's text, cut to fit. Cuts between characters as people see them, never inside an emoji. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(text.slice(0, most + 32))) {
    if (kept.length + segment.length > most - 1) break
    kept += segment
  }
  return `${kept}…`
}

/**
 * An author's text, which must fit as it is.
 *
 * @throws RangeError, so that a test fails before a person sees half a sentence.
 */
export function mustFit(text: string, most: number): string {
  if (text.length > most) throw new RangeError(`"${text}" has ${text.length} characters; Slack takes ${most} here.`)
  return text
}
