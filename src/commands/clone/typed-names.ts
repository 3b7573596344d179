/** Pure: names that people typed instead of ids, matched against a list. */
import { didYouMean } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import type { Option } from '../../providers/provider.js'
import type { Field } from '../../slack/form/fields.js'
import { limits } from '../../slack/limits.js'
import { brief, ownName } from '../../slack/text.js'

/** The entry that a name stands for, or a sentence on why there is none. */
export type NameMatch = { option: Option } | { problem: string }

/** Entries that one sentence names at most. */
const MAX_NAMED = 3
/** Maximum characters of each name in a sentence under a field. */
const MAX_NAME_LENGTH = 60
/** Maximum number of names compared for similarity, which costs far more than equality. */
const MAX_CANDIDATES = 2_000
/** Longer text was pasted by mistake; no suggestion would help. */
const MAX_SUGGESTED_LENGTH = 200

/**
 * The entries of this list that typed ids or names stand for, in order. Only the first few that match nothing get a
 * suggestion: there is no room for more.
 */
export function matchNames(options: readonly Option[], typed: readonly string[]): NameMatch[] {
  const names = options.map((option) => {
    const [label, own] = [comparable(option.label), comparable(ownName(option.label))]
    return { option, label, own }
  })
  let suggestions = 0
  return typed.map((one, at) => {
    if (at >= limits.options) return { problem: at === limits.options ? `Choose at most ${at}.` : '' }
    const found = matchingOptions(names, one)
    const [only] = found
    if (only && found.length === 1) return { option: only }
    if (only) return { problem: ambiguous(found, only, one) }
    suggestions += 1
    const near = suggestions > MAX_NAMED ? '' : suggestion(names, one)
    return { problem: `"${brief(one, MAX_NAME_LENGTH)}" isn't on the list.${near}` }
  })
}

/** An entry with its label and its own name in the form that is compared. */
interface Name {
  option: Option
  label: string
  own: string
}

function ambiguous(found: readonly Option[], first: Option, typed: string): string {
  // Entries with the same name differ in their descriptions.
  const isOneName = found.every(({ label }) => label === first.label)
  const named = found
    .slice(0, MAX_NAMED)
    .map(({ label, description }) => (isOneName && description ? `${label} · ${description}` : label))
    .map((one) => `"${brief(one, MAX_NAME_LENGTH)}"`)
  const more = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : ''
  return `"${brief(typed, MAX_NAME_LENGTH)}" matches several: ${named.join(', ')}${more}.`
}

/** For a name that matches nothing: the entries that contain it, as a search finds them, or else the nearest one. */
function suggestion(names: readonly Name[], typed: string): string {
  // Slack sends an emoji as its name.
  if (/:[a-z+][\w+-]*:/i.test(typed)) return " Names with an emoji can't be typed: choose from the list."
  const wanted = comparable(typed)
  if (wanted === '' || typed.length > MAX_SUGGESTED_LENGTH) return ''
  const containing = [...new Set(names.flatMap(({ option, label }) => (label.includes(wanted) ? [option.label] : [])))]
    .sort((one, other) => one.length - other.length)
    .slice(0, MAX_NAMED)
  if (containing.length > 0) {
    return ` Did you mean ${containing.map((label) => `"${brief(label, MAX_NAME_LENGTH)}"`).join(' or ')}?`
  }
  const some = names.slice(0, MAX_CANDIDATES / 2).map(({ option }) => option)
  return didYouMean(typed, [...new Set(some.flatMap((option) => [option.label, ownName(option.label)]))])
}

/** The entry with this value as the list has it now, whatever label came back from the client. */
export function matchById(options: readonly Option[], { value, label }: Option): NameMatch {
  const option = options.find((candidate) => candidate.value === value)
  return option ? { option } : { problem: `"${brief(label, MAX_NAME_LENGTH)}" is no longer on the list.` }
}

/** The entries found in the first of these ways that finds any: by id, by label, by own name, by how either begins. */
function matchingOptions(names: readonly Name[], typed: string): Option[] {
  const wanted = comparable(typed)
  if (wanted === '') return []
  const ways: ((name: Name) => boolean)[] = [
    ({ option }) => option.value === typed,
    ({ option }) => option.label === typed,
    ({ label }) => label === wanted,
    ({ own }) => own === wanted,
    ({ label, own }) => label.startsWith(wanted) || own.startsWith(wanted),
  ]
  for (const fits of ways) {
    const found = names.filter(fits)
    if (found.length > 0) return found.map(({ option }) => option)
  }
  return []
}

/** Works on every field as soon as the fields it depends on are done: a list needs the ids behind their names. */
export async function inDependencyOrder(
  fields: readonly Field[],
  work: (field: Field) => Promise<void>,
): Promise<void> {
  const works = new Map<string, Promise<void>>()
  for (const field of fields) {
    const parents = Promise.all(field.dependsOn.map((key) => works.get(key)))
    works.set(
      field.key,
      parents.then(() => work(field)),
    )
  }
  await Promise.all(works.values())
}
