/** A form is sent: names that stand in place of ids are looked up on the live lists, as long as Slack has patience. */
import { z } from 'zod'
import { type Answers, fieldError, isTyped, setPicked } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { chooseFirst, unansweredParents } from '../../slack/form/options.js'
import { limits } from '../../slack/limits.js'
import { type Services, type Target, within } from '../services.js'
import { inDependencyOrder, matchById, matchNames } from './typed-names.js'

/** What all typed names together may take to be looked up before Slack loses patience, in milliseconds. */
export const LOOK_UP_TIMEOUT_MS = 1_500
/** What the labels of picked entries may take to be read again, where no rule depends on them. */
const LABELS_TIMEOUT_MS = 500

/** Answers with the ids behind the names, and what stands in their way. */
export interface LookedUp {
  answers: Answers
  /** A sentence for each field whose answer is not on its list, fits several entries of it, or cannot be looked up. */
  unknown: Record<string, string>
  /** A field that no list could name although that mattered. */
  unread: { field: string; reason: string } | null
}

/**
 * A name that came from the command text or a text box stands for the id behind it. Where the list cannot be had in
 * time, what has the shape of an id is taken for one, and a name never is. The label of a picked entry is read again by its
 * value, for it came back through the person's client; where the list is late or away it stays as it came.
 *
 * @param mustVerifyLabels whether the names decide about access. Then a label that cannot be read again does not count: what no
 *   list can name is named by its id.
 * @param withinMs how long all lists together may take.
 */
export async function lookUpNames(
  services: Pick<Services, 'lists' | 'elapsed'>,
  { connection, operation }: Pick<Target, 'connection' | 'operation'>,
  given: Answers,
  mustVerifyLabels: boolean,
  withinMs = LOOK_UP_TIMEOUT_MS,
): Promise<LookedUp> {
  const answers = { ...given, values: { ...given.values }, named: { ...given.named }, picked: { ...given.picked } }
  const unknown: LookedUp['unknown'] = {}
  let unread: LookedUp['unread'] = null
  const fields = fieldsOf(operation)
  // What was answered, and not what the form remembers of it: that passed through the client as well.
  const parents = { values: Object.fromEntries(fields.map(({ key }) => [key, String(given.values[key] ?? '')])) }
  const deadline = services.elapsed() + withinMs
  const isLate = `${connection.name} is slow to answer. Press Next again.`
  await inDependencyOrder(
    fields.filter(({ picker }) => picker),
    async (field) => {
      const { key } = field
      const entries = answers.picked[key] ?? []
      if (entries.length === 0) return
      const mustRead = mustVerifyLabels || entries.some(isTyped)
      const unmet = unansweredParents(field, fields, parents)
      // All together have this long: that is Slack's patience.
      const left = Math.max(deadline - services.elapsed(), 1)
      const patience = mustRead ? left : Math.min(left, LABELS_TIMEOUT_MS)
      const list = unmet.length > 0 ? undefined : await within(patience, services.lists.get(connection, field, parents))
      if (list && 'options' in list) {
        const typed = entries.filter(isTyped).map(({ value }) => value)
        const named = new Map(matchNames(list.options, typed).map((meaning, at) => [typed[at], meaning]))
        const meanings = entries.map((entry) => named.get(entry.value) ?? matchById(list.options, entry))
        const problems = meanings.flatMap((meaning) => ('problem' in meaning ? [meaning.problem] : []))
        const found = meanings.flatMap((meaning) => ('option' in meaning ? [meaning.option] : []))
        if (problems.length > 0) unknown[key] = fieldError(problems.filter(Boolean).join(' '))
        else setPicked(answers, field, found)
      } else if (!mustRead) {
        // Nothing depends on the label that came back.
        return
      } else if (unmet.length > 0) {
        const isParentLate = unmet.some((parent) => unknown[parent.key] === isLate)
        unknown[key] = isParentLate ? isLate : chooseFirst(unmet, limits.fieldError)
      } else if (!z.safeParse(operation.fields.shape[key], answers.values[key]).success) {
        // A list that is late goes on loading, and is there the next time.
        unknown[key] = list ? fieldError(`${list.reason} So no name can be looked up: give the id.`) : isLate
      } else if (mustVerifyLabels) {
        const ids = entries.map(({ value }) => ({ value, label: withoutBlanks(value) }))
        setPicked(answers, field, ids)
        unread ??= { field: key, reason: list?.reason ?? isLate }
      }
      // What depends on a name that stands for nothing is not to be looked up.
      parents.values[key] = unknown[key] === undefined ? String(answers.values[key] ?? '') : ''
    },
  )
  return { answers, unknown, unread }
}

/** Stored answers, as if their entries had just been picked: their values are ids, never names, whatever they look like. */
export function answersOfDraft(
  { operation }: Pick<Target, 'operation'>,
  values: Readonly<Record<string, unknown>>,
  named: Readonly<Record<string, string>>,
): Answers {
  const pickers = fieldsOf(operation).filter(({ picker }) => picker)
  const idsOf = (value: unknown) => [value].flat().filter((id) => typeof id === 'string')
  const labelOf = (key: string, kind: string, value: string) =>
    (kind === 'picker' && named[key] !== value && named[key]) || 'What was chosen'
  const picked = Object.fromEntries(
    pickers.map(({ key, kind }) => [
      key,
      idsOf(values[key]).map((value) => ({ value, label: labelOf(key, kind, value) })),
    ]),
  )
  return {
    values: { ...values },
    named: { ...named },
    picked,
    refused: {},
    channel: undefined,
    mentionOnSuccess: false,
  }
}

/** As one word, so that what a person typed cannot end like the name of a place. */
export function withoutBlanks(text: string): string {
  return text.replaceAll(/\s+/g, '_')
}
