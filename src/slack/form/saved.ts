/** Pure: answers ↔ the strings that a preset or an open form keeps of them. */
import type { Operation } from '../../providers/provider.js'
import { type Answers, setPicked } from './answers.js'
import { entriesOf, type Field, fieldsOf, isYes } from './fields.js'
import { KEEP_BLOCK } from './keep.js'

/** An answer as the form takes it: several with commas. Undefined where there's none. */
export function savedValue({ kind }: Pick<Field, 'kind'>, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (kind === 'yes-no') return value === true ? 'yes' : 'no'
  return [value].flat().join(',')
}

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
  // Several labels in one text can't be told apart.
  const labels = fields.flatMap(({ key, kind }): [string, string][] => {
    const label = named[key]
    return kind === 'picker' && label !== undefined && label !== values[key] ? [[key, label]] : []
  })
  return { values: Object.fromEntries(saved), labels: Object.fromEntries(labels) }
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
      const chosen = entriesOf(field, text).map((value) => ({ value, label: saved.labels[key] ?? value }))
      setPicked(answers, field, chosen)
    } else if (text !== '') {
      answers.values[key] = kind === 'number' ? Number(text) : text
      answers.named[key] = choices.find(({ value }) => value === text)?.label ?? text
    }
  }
  return answers
}
