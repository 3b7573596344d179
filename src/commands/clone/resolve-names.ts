/** When a form is submitted, looks up the names in it on the live lists, within the time that Slack waits. */
import { z } from 'zod'
import { within } from '../../lib/within.js'
import { type Answers, fieldError, isTyped, setPicked } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { chooseFirst, unansweredParents } from '../../slack/form/options.js'
import { limits } from '../../slack/limits.js'
import type { Services, Target } from '../services.js'
import { inDependencyOrder, matchById, matchNames } from './typed-names.js'

/** For all typed names together, in milliseconds: the submission needs an answer within three seconds. */
export const RESOLVE_TIMEOUT_MS = 1_500
/** For reading the labels of picked entries again where no rule depends on them, in milliseconds. */
const LABELS_TIMEOUT_MS = 500

/** Answers with the ids behind the names, and what is wrong with them. */
export interface ResolvedAnswers {
  answers: Answers
  /** A sentence for each field whose answer is not on its list, matches several entries, or can't be looked up. */
  unknown: Record<string, string>
  /** A field whose name could not be read although rules depend on it. */
  unread: { field: string; reason: string } | null
}

/**
 * Replaces names from the command or a text box by the ids behind them. If the list can't be read in time, text with the
 * shape of an id is taken as one. Labels of picked entries are read again by value, because they came back from the
 * person's client; if the list is late or unavailable they stay as they came.
 *
 * @param mustVerifyLabels whether access depends on the names. Then a label that can't be read again does not count, and the
 *   entry is named by its id.
 * @param timeoutMs for all lists together.
 */
export async function resolveNames(
  services: Pick<Services, 'lists' | 'elapsed'>,
  { connection, operation }: Pick<Target, 'connection' | 'operation'>,
  given: Answers,
  mustVerifyLabels: boolean,
  timeoutMs = RESOLVE_TIMEOUT_MS,
): Promise<ResolvedAnswers> {
  const answers = { ...given, values: { ...given.values }, named: { ...given.named }, picked: { ...given.picked } }
  const unknown: ResolvedAnswers['unknown'] = {}
  let unread: ResolvedAnswers['unread'] = null
  const fields = fieldsOf(operation)
  // From the answers, not from the form's state.
  const parents = { values: Object.fromEntries(fields.map(({ key }) => [key, String(given.values[key] ?? '')])) }
  const deadline = services.elapsed() + timeoutMs
  const isLate = `${connection.name} is slow to answer. Press Next again.`
  await inDependencyOrder(
    fields.filter(({ picker }) => picker),
    async (field) => {
      const { key } = field
      const entries = answers.picked[key] ?? []
      if (entries.length === 0) return
      const mustRead = mustVerifyLabels || entries.some(isTyped)
      const unmet = unansweredParents(field, fields, parents)
      const remainingMs = Math.max(deadline - services.elapsed(), 1)
      const waitMs = mustRead ? remainingMs : Math.min(remainingMs, LABELS_TIMEOUT_MS)
      const list = unmet.length > 0 ? undefined : await within(waitMs, services.lists.get(connection, field, parents))
      if (list && 'options' in list) {
        const typed = entries.filter(isTyped).map(({ value }) => value)
        const named = new Map(matchNames(list.options, typed).map((match, at) => [typed[at], match]))
        const matches = entries.map((entry) => named.get(entry.value) ?? matchById(list.options, entry))
        const problems = matches.flatMap((match) => ('problem' in match ? [match.problem] : []))
        const found = matches.flatMap((match) => ('option' in match ? [match.option] : []))
        if (problems.length > 0) unknown[key] = fieldError(problems.filter(Boolean).join(' '))
        else setPicked(answers, field, found)
      } else if (!mustRead) {
        // Nothing depends on the label that came back.
        return
      } else if (unmet.length > 0) {
        const isParentLate = unmet.some((parent) => unknown[parent.key] === isLate)
        unknown[key] = isParentLate ? isLate : chooseFirst(unmet, limits.fieldError)
      } else if (!z.safeParse(operation.fields.shape[key], answers.values[key]).success) {
        // A late list goes on loading, and is in the cache the next time.
        unknown[key] = list ? fieldError(`${list.reason} Names can't be looked up, so type the ID.`) : isLate
      } else if (mustVerifyLabels) {
        const ids = entries.map(({ value }) => ({ value, label: withoutBlanks(value) }))
        setPicked(answers, field, ids)
        unread ??= { field: key, reason: list?.reason ?? isLate }
      }
      // Fields that depend on an unknown name can't be looked up.
      parents.values[key] = unknown[key] === undefined ? String(answers.values[key] ?? '') : ''
    },
  )
  return { answers, unknown, unread }
}

/** Answers of a draft, as if their entries had just been picked: their values are ids, whatever they look like. */
export function answersOfDraft(
  { operation }: Pick<Target, 'operation'>,
  values: Readonly<Record<string, unknown>>,
  named: Readonly<Record<string, string>>,
): Answers {
  const pickers = fieldsOf(operation).filter(({ picker }) => picker)
  const choices = pickers.map(({ key, kind }) => {
    const ids = [values[key]].flat().filter((id) => typeof id === 'string')
    const name = kind === 'picker' ? named[key] : undefined
    return [key, ids.map((value) => ({ value, label: name && name !== value ? name : 'Your choice' }))]
  })
  const rest = { channel: undefined, keep: undefined, mentionOnSuccess: false }
  return { values: { ...values }, named: { ...named }, picked: Object.fromEntries(choices), ...rest }
}

/** As one word, so that typed text can't end like the name of a place. */
export function withoutBlanks(text: string): string {
  return text.replaceAll(/\s+/g, '_')
}
