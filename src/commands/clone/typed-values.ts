/** `field=value` of the command, checked before a form opens: a value that the form can't show must not be lost silently. */
import { UserError } from '../../errors.js'
import { didYouMean } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import type { ExpiryPolicy, Operation } from '../../providers/provider.js'
import { type Field, fieldsOf, isNo, isYes } from '../../slack/form/fields.js'
import { KEEP_BLOCK, KEEP_WORD, readTyped } from '../../slack/form/keep.js'
import { brief } from '../../slack/text.js'

/** Values by field key, as typed. Names of list entries are checked later, against the list. */
export type TypedValues = Readonly<Record<string, string>>

/**
 * The values as the operation's form takes them.
 *
 * @throws UserError with a sentence for each unknown field and each value that a field can't hold.
 */
export function parseTypedValues(
  operation: Operation,
  operationId: string,
  typed: TypedValues,
  expiry: ExpiryPolicy,
): Record<string, string> {
  const fields = fieldsOf(operation)
  const known = fields.map(({ key }) => key)
  const read = Object.entries(typed).map(([key, text]) => {
    // Phones capitalise the first letter.
    if (operation.removal && comparable(key) === KEEP_WORD) {
      const read = readTyped(text, expiry)
      return 'value' in read ? { key: KEEP_BLOCK, ...read, problem: '' } : { key, value: undefined, ...read }
    }
    const field = fields.find((candidate) => comparable(candidate.key) === comparable(key))
    const value = field && readValue(field, text)
    const problem = field
      ? `${field.key} can't be "${brief(text)}". ${allowed(field, text)}`
      : `${operationId} has no field "${brief(key)}".${didYouMean(key, known)} Its fields are ${known.join(', ')}.`
    return { key: field?.key ?? key, value, problem }
  })
  const problems = read.filter(({ value }) => value === undefined).map(({ problem }) => problem)
  if (problems.length > 0) throw new UserError(problems.join(' '))
  return Object.fromEntries(read.map(({ key, value = '' }) => [key, value]))
}

/** Undefined for what the field can't hold. An empty value chooses nothing. */
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
  if (kind === 'yes-no') return 'Write yes or no.'
  if (kind === 'number') return 'Write a whole number.'
  const values = choices.map(({ value }) => value)
  return `Write one of ${values.join(', ')}.${didYouMean(text, values)}`
}
