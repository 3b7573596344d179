/** A field of a form as `fieldsOf` reads one. */
import type { Field } from '../../src/slack/form/fields.js'

/** A required picker, unless said otherwise. */
export function fieldOf(key: string, more: Partial<Field> = {}): Field {
  return {
    key,
    title: key,
    description: undefined,
    required: true,
    kind: 'picker',
    picker: `${key}s`,
    dependsOn: [],
    choices: [],
    initial: undefined,
    multiline: false,
    personal: false,
    suggestFrom: undefined,
    maxLength: undefined,
    accepts: () => true,
    ...more,
  }
}
