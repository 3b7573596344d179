/** A name for what is made: `<source>-<person>-<n>`, within the field's own rules, and unused as far as is known. */
import { slug } from '../../domain/template.js'
import { comparable, cut } from '../../lib/text.js'
import type { Field } from '../../slack/form/fields.js'
import { ownName } from '../../slack/text.js'

/** Enough for everybody's clones of one app; after that the person thinks of a name. */
const MAX_NUMBER = 99
/** Lengths that providers allow; the first that the field takes decides. */
const LENGTHS = [63, 50, 40, 30, 24, 20]

/**
 * @param source the label of what is cloned, such as "shop-web (Shop / production)".
 * @param person what people call the requester; may be empty.
 * @param taken names that are used already, in any case.
 * @returns undefined if the field takes no such name.
 */
export function suggestName(
  field: Pick<Field, 'accepts' | 'maxLength'>,
  { source, person, taken }: { source: string; person: string; taken: ReadonlySet<string> },
): string | undefined {
  const words = [slug(ownName(source)) || 'clone', slug(person)].filter(Boolean)
  const used = new Set([...taken].map(comparable))
  for (let number = 1; number <= MAX_NUMBER; number += 1) {
    const name = LENGTHS.map((length) => numbered(words, number, Math.min(length, field.maxLength ?? length))).find(
      field.accepts,
    )
    if (name === undefined) return undefined
    if (!used.has(comparable(name))) return name
  }
  return undefined
}

/** The source gives way first, because it is the longest. */
function numbered([source = '', ...rest]: readonly string[], number: number, maxLength: number): string {
  const end = ['', ...rest, `${number}`].join('-')
  return cut(source, Math.max(maxLength - end.length, 1)).replace(/[-…]+$/, '') + end
}
