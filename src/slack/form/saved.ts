/** Pure: answers ↔ the strings that a preset or an open form keeps of them. */
import type { Named, Operation } from '../../providers/provider.js'
import { type Answers, setPicked } from './answers.js'
import { entriesOf, type Field, fieldsOf, isYes } from './fields.js'
import { KEEP_BLOCK } from './keep.js'

/** An answer as the form takes it: several with commas. Undefined where there's none. */
export function savedValue({ kind }: Pick<Field, 'kind'>, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (kind === 'yes-no') return value === true ? 'yes' : 'no'
  return [value].flat().join(',')
}

/**
 * The words for what was picked, by field, where they aren't the answer itself, and what goes with them as `field.from` and
 * `field.place`. Never for personal answers.
 */
export function labelsOf(
  operation: Operation,
  { values, named }: { values: Readonly<Record<string, unknown>>; named: Named },
): Record<string, string> {
  const picked = fieldsOf(operation).filter(({ personal, kind }) => !personal && PICKED.includes(kind))
  const labels = picked.flatMap(({ key }): [string, string][] => {
    if (named[key] === undefined || named[key] === [values[key]].flat().join(', ')) return []
    return [key, ...partsOf(key)].flatMap((word) => (named[word] === undefined ? [] : [[word, named[word]]]))
  })
  return Object.fromEntries(labels)
}

const PICKED: readonly Field['kind'][] = ['picker', 'pickers', 'choice']
const partsOf = (key: string) => [`${key}.from`, `${key}.place`] as const

/** All answers but personal ones, and the labels of what was picked as far as they are known, both by field. */
export function savedAnswers(
  operation: Operation,
  { values, named }: Pick<Answers, 'values' | 'named'>,
): { values: Record<string, string>; labels: Record<string, string> } {
  const fields = fieldsOf(operation).filter(({ personal }) => !personal)
  const saved = fields.flatMap((field): [string, string][] => {
    const value = savedValue(field, values[field.key])
    return value === undefined ? [] : [[field.key, value]]
  })
  return { values: Object.fromEntries(saved), labels: labelsOf(operation, { values, named }) }
}

/** Saved answers as if a form with them had been submitted. */
export function answersOfSaved(
  operation: Operation,
  saved: { values: Readonly<Record<string, string>>; labels: Readonly<Record<string, string>> },
): Answers {
  const rest = { keep: saved.values[KEEP_BLOCK], channel: undefined, mentionOnSuccess: false }
  const answers: Answers = { values: {}, named: {}, picked: {}, ...rest }
  for (const field of fieldsOf(operation)) {
    const { key, kind, choices } = field
    const text = saved.values[key] ?? (kind === 'yes-no' ? (field.initial ?? '') : '')
    if (kind === 'yes-no') {
      answers.values[key] = isYes(text)
      answers.named[key] = isYes(text) ? 'yes' : 'no'
    } else if (kind === 'picker' || kind === 'pickers') {
      const entries = entriesOf(field, text)
      // Several labels in one text can't be told apart.
      const label = entries.length === 1 ? saved.labels[key] : undefined
      const [from, place] = label === undefined ? [] : partsOf(key).map((part) => saved.labels[part])
      const rest = { ...(from !== undefined && { from }), ...(place !== undefined && { place }) }
      setPicked(
        answers,
        field,
        entries.map((value) => ({ value, label: label ?? value, ...rest })),
      )
    } else if (text !== '') {
      answers.values[key] = kind === 'number' ? Number(text) : text
      answers.named[key] = choices.find(({ value }) => value === text)?.label ?? text
    }
  }
  return answers
}
