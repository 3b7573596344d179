/** `field=value` of the command, checked before a form opens: what a form cannot show must not vanish without a word. */

import { UserError } from '../../errors.js'
import { didYouMean } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import type { Operation } from '../../providers/provider.js'
import { type Field, fieldsOf, isNo, isYes } from '../../slack/form/fields.js'
import { brief } from '../../slack/text.js'

/** Values by field key, as typed. Names of a list are left for the list to say. */
export type TypedValues = Readonly<Record<string, string>>

/**
 * The values as the operation's form takes them.
 *
 * @throws UserError with a sentence for each field there is not and each value that cannot be.
 */
export function parseTypedValues(
  operation: Operation,
  operationId: string,
  typed: TypedValues,
): Record<string, string> {
  const fields = fieldsOf(operation)
  const known = fields.map(({ key }) => key)
  const read = Object.entries(typed).map(([key, text]) => {
    // Phones capitalise the first letter.
    const field = fields.find((candidate) => comparable(candidate.key) === comparable(key))
    const value = field && readValue(field, text)
    const problem = field
      ? `${field.key} cannot be "${brief(text)}". ${allowed(field, text)}`
      : `${operationId} has no field "${brief(key)}".${didYouMean(key, known)} It has ${known.join(', ')}.`
    return { key: field?.key ?? key, value, problem }
  })
  const problems = read.filter(({ value }) => value === undefined).map(({ problem }) => problem)
  if (problems.length > 0) throw new UserError(problems.join(' '))
  return Object.fromEntries(read.map(({ key, value = '' }) => [key, value]))
}

/** Undefined for what the field cannot hold. Nothing typed is nothing chosen. */
function readValue({ kind, choices }: Field, text: string): string | undefined {
  if (text === '') return text
  const plain = comparable(text)
  if (kind === 'yes-no') return isYes(plain) || isNo(plain) ? plain : undefined
  if (kind === 'number') return /^-?\d{1,15}$/.test(plain) ? plain : undefined
  if (kind !== 'choice') return text
  const isMeant = (name: string) => comparable(name) === plain
  return choices.find(({ value, label }) => isMeant(value) || isMeant(label))?.value
}

function allowed({ kind, choices }: Field, text: string): string {
  if (kind === 'yes-no') return 'Say yes or no (or true, false, on, off).'
  if (kind === 'number') return 'It takes a whole number.'
  const values = choices.map(({ value }) => value)
  return `It takes ${values.join(', ')}.${didYouMean(text, values)}`
}
