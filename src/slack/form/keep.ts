/** Pure: the question how long a clone is kept, and what the last page says about the answer. */
import type { InputBlock } from '@slack/types'
import { type ExpiryPolicy, MAX_KEEP_MS, MIN_KEEP_MS } from '../../domain/expiry.js'
import { durationAsTyped, durationInWords, parseDuration } from '../../lib/duration.js'
import { plain } from '../blocks.js'
import { brief } from '../text.js'
import { option } from './options.js'

/** Also the key of what was typed with the command, among the form's values. */
export const KEEP_BLOCK = '_keep'
/** What people type before it: `keep=3d`. */
export const KEEP_WORD = 'keep'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const CHOICES_MS = [1, 4, 8].map((hours) => hours * HOUR).concat([1, 3, 7, 14, 30, 60, 90].map((days) => days * DAY))
const FOREVER = 'none'

/**
 * The question of the form. The answer that was typed, or the operator's, is chosen already.
 *
 * @param typed as `readTyped` gave it back; undefined if nothing was typed.
 */
export function keepInput(expiry: ExpiryPolicy, typed: string | undefined): InputBlock {
  const { maxMs, defaultMs, atEnd } = expiry
  const chosen = keepTime(typed ?? '', expiry)
  const initialMs = chosen === undefined ? defaultMs : chosen
  const times = new Set([...CHOICES_MS, ...(initialMs === null ? [] : [initialMs]), ...(maxMs === null ? [] : [maxMs])])
  const allowed = [...times].filter((ms) => maxMs === null || ms <= maxMs).sort((one, other) => one - other)
  const options = [
    ...allowed.map((ms) => option({ value: durationAsTyped(ms), label: durationInWords(ms) })),
    ...(maxMs === null ? [option({ value: FOREVER, label: 'No expiry' })] : []),
  ]
  const initial = options.find(({ value }) => value === (initialMs === null ? FOREVER : durationAsTyped(initialMs)))
  const end =
    atEnd === 'delete'
      ? "When it expires, I delete it. I warn you a day and an hour before, if it's kept for longer than that."
      : "When it expires, I ask whether it's still needed."
  return {
    type: 'input',
    block_id: KEEP_BLOCK,
    label: plain('Keep for'),
    hint: plain(`${end} Extending it takes one click.`),
    element: {
      type: 'static_select',
      action_id: 'keep',
      options,
      ...(initial ? { initial_option: initial } : {}),
    },
  }
}

/**
 * What was typed after `keep=`, as the form takes it, or what is wrong with it.
 */
export function readTyped(text: string, expiry: ExpiryPolicy): { value: string } | { problem: string } {
  const ms = keepTime(text, expiry)
  if (ms !== undefined) return { value: ms === null ? FOREVER : durationAsTyped(ms) }
  const longest = durationAsTyped(expiry.maxMs ?? MAX_KEEP_MS)
  const never = expiry.maxMs === null ? ', or none' : ''
  return {
    problem: `${KEEP_WORD} can't be "${brief(text)}". Write a time from 1h to ${longest}, such as 12h or 1d${never}.`,
  }
}

/**
 * The answer in milliseconds; null for no end, undefined for one that the form doesn't offer. Without an answer the operator's
 * default counts.
 */
export function readKeep(answer: string | undefined, expiry: ExpiryPolicy): number | null | undefined {
  return answer === undefined ? (expiry.defaultMs ?? expiry.maxMs) : keepTime(answer, expiry)
}

function keepTime(text: string, { maxMs }: ExpiryPolicy): number | null | undefined {
  if (/^(none|never|off|forever)$/i.test(text.trim())) return maxMs === null ? null : undefined
  const ms = parseDuration(text)
  if (ms === null || ms % HOUR !== 0) return undefined
  return ms >= MIN_KEEP_MS && ms <= (maxMs ?? MAX_KEEP_MS) ? ms : undefined
}

/** For the last page of what can be deleted later. */
export function keepNote(keepForMs: number | null, { atEnd }: ExpiryPolicy): string {
  if (keepForMs === null) return 'Kept until someone deletes it.'
  const time = durationInWords(keepForMs)
  return atEnd === 'delete'
    ? `Deleted after ${time}, unless someone extends it.`
    : `After ${time} I ask whether it's still needed.`
}
