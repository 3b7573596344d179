/** Names that were typed in place of ids: what they stand for on the live lists. */
import { didYouMean } from '../lib/closest.js'
import type { Option } from '../providers/provider.js'
import type { Field } from '../slack/fields.js'

/** The entry that was meant, or the sentence that says why it cannot be told. */
export type Meaning = { option: Option } | { problem: string }

const mostNamed = 3

/** What a typed id or name stands for on this list. */
export function meaningOf(options: readonly Option[], typed: string): Meaning {
  const found = matchingOptions(options, typed)
  const [only] = found
  if (only && found.length === 1) return { option: only }
  if (!only) {
    return { problem: `There is no "${typed}" on the list.${suggestion(options, typed)}` }
  }
  // Entries of one name are told apart by what is known of them beside it.
  const isOneName = found.every(({ label }) => label === only.label)
  const named = found
    .slice(0, mostNamed)
    .map(({ label, description }) => `"${isOneName && description ? `${label} · ${description}` : label}"`)
  const more = found.length > mostNamed ? ` and ${found.length - mostNamed} more` : ''
  return { problem: `"${typed}" fits several: ${named.join(', ')}${more}.` }
}

/** Those that contain what was typed, as a search for it finds them; where none does, the nearest. */
function suggestion(options: readonly Option[], typed: string): string {
  const labels = [...new Set(options.map(({ label }) => label))]
  const containing = labels
    .filter((label) => label.toLowerCase().includes(typed.toLowerCase()))
    .sort((one, other) => one.length - other.length)
    .slice(0, mostNamed)
  if (containing.length === 0) return didYouMean(typed, [...labels, ...options.map(ownName)])
  return ` Did you mean ${containing.map((label) => `"${label}"`).join(' or ')}?`
}

/** A picked entry as the list has it now: found by its very value, whatever label came back with it. */
export function readAgain(options: readonly Option[], { value, label }: Option): Meaning {
  const option = options.find((candidate) => candidate.value === value)
  return option ? { option } : { problem: `"${label}" is not on the list any more.` }
}

/** The entries of the first of these ways that fits any: the id, the label, the thing's own name, how either begins. */
function matchingOptions(options: readonly Option[], typed: string): readonly Option[] {
  const wanted = typed.toLowerCase()
  const ways: ((option: Option) => boolean)[] = [
    ({ value }) => value === typed,
    ({ label }) => label.toLowerCase() === wanted,
    (option) => ownName(option).toLowerCase() === wanted,
    (option) => [option.label, ownName(option)].some((name) => name.toLowerCase().startsWith(wanted)),
  ]
  return ways.map((fits) => options.filter(fits)).find((found) => found.length > 0) ?? []
}

/**
 * What is left of "shop-api (Shop / production)", "shop-web in production (woolworks)" and "Production / Frankfurt / shop"
 * without the place.
 */
function ownName({ label }: Option): string {
  const name = label
    .replace(/ \(.*$/s, '')
    .split(' / ')
    .at(-1)
  return name?.replace(/^(.+) in .*$/s, '$1') ?? label
}

/** Works on every field as soon as those it depends on are done: their lists want the ids behind the names. */
export async function inTurn(fields: readonly Field[], work: (field: Field) => Promise<void>): Promise<void> {
  const turns = new Map<string, Promise<void>>()
  for (const field of fields) {
    const parents = Promise.all(field.dependsOn.map((key) => turns.get(key)))
    turns.set(
      field.key,
      parents.then(() => work(field)),
    )
  }
  await Promise.all(turns.values())
}
