/** Pure: who may do what. The rules of dolly.yml, the facts about a person, and the decision. */
import { comparable, MAX_FOREIGN_TEXT_LENGTH } from '../lib/text.js'

/** What the buttons of a job do. */
export const VERBS = ['check-again', 'start-over', 'dismiss'] as const
export type Verb = (typeof VERBS)[number]

/** Every word in it fits if one of the list does; `*` in a glob stands for any characters, also none. */
export interface Rule {
  /** `members`, or ids of users, user groups and channels. */
  who: readonly string[]
  /** Operations and verbs, or `*` for all of them. Empty: this rule refuses. */
  may: readonly string[]
  /** Globs over names of connections. */
  on: readonly string[]
  /** Globs over the human name of what is written to, as the thread tells it. */
  target: readonly string[]
  /** Globs over the name of what is copied. Left out if the operator wrote none: any source. */
  from?: readonly string[]
}

/** The part of dolly.yml that says who may do what. */
export interface AccessRules {
  rules: readonly Rule[]
  /** Whom to ask, in the operator's words. */
  owner: string
}

/** What Slack says of a person, as far as rules ask for it. */
export interface Person {
  id: string
  /** Further ids of the same person: in an organization of several workspaces one person has two. */
  otherIds?: readonly string[]
  /** No rule fits a stranger: a bot, somebody of another workspace, or somebody whose account was deactivated. */
  membership: 'member' | 'guest' | 'stranger'
  /** Those of the user groups in the rules that the person is in. */
  groups: readonly string[]
}

/** A person in the place where they ask; null where Slack vouches for none. */
export interface Asker extends Person {
  channel: string | null
}

export interface Act {
  connection: string
  /** An operation or a verb. */
  what: string
  /** The human name of what is written to; left out while nobody knows it, as when a form is opened. */
  target?: string
  /** As much of that name as is known, with a `gap` for each part that is not. */
  partialTarget?: string
  /** The same for what is copied; null if it can never be known. */
  source?: string | null
  partialSource?: string
}

/** Fits `*` and nothing else. Not a character, so no normal form changes it and no name has it. */
export const UNKNOWN_PART = '\uffff'

/**
 * The first rule whose `who`, `on`, `from` and `target` fit decides; without one the answer is no. While the names are not
 * wholly known, the answer is whether they may become ones that are allowed: it opens a form or a list, and never replaces
 * the decision that follows.
 *
 * A source that cannot be known matches every rule that refuses, and of the rules that allow, only those for any source.
 */
export function decide(rules: readonly Rule[], asker: Asker, act: Act): Decision {
  return createDecider(rules, asker, act.connection)(act)
}

/** What the rules say, and the one that said it. */
export interface Decision {
  isAllowed: boolean
  rule?: Rule
}

/** The same for many acts of one person on one connection, such as the entries of a list: rules are read only once. */
export function createDecider(
  rules: readonly Rule[],
  asker: Asker,
  connection: string,
): (act: Omit<Act, 'connection'>) => Decision {
  const relevant = rulesFor(rules, asker, connection).map((rule) => ({
    rule,
    from: matcherOf(rule.from ?? ['*']),
    target: matcherOf(rule.target),
  }))
  return ({ what, source, partialSource, target, partialTarget }) => {
    const [copied, written] = [known(source, partialSource), known(target, partialTarget)]
    for (const { rule, ...fitsNames } of relevant) {
      const isAllowed = rule.may.includes('*') || rule.may.includes(what)
      if (fitsNames.from(copied, isAllowed) && fitsNames.target(written, isAllowed)) return { isAllowed, rule }
    }
    return { isAllowed: false }
  }
}

/** The known part of a name, in the form that is compared; null if too little of it is known. */
interface Known {
  text: string | null
  isWhole: boolean
}

function known(name: string | null | undefined, partialTarget = UNKNOWN_PART): Known {
  const isWhole = name !== undefined
  const text = isWhole ? name : partialTarget
  // The part beyond the limit might be what a rule refuses.
  const isComparable = text !== null && text.length <= MAX_FOREIGN_TEXT_LENGTH
  return { text: isComparable ? framed(text) : null, isWhole }
}

/** Whether a rule that allows, or one that refuses, is to be applied to a name that may be known only in part. */
function matcherOf(globs: readonly string[]): (name: Known, isAllowed: boolean) => boolean {
  if (globs.includes('*')) return () => true
  const all = globs.map(partsOf)
  return ({ text, isWhole }, isAllowed) => {
    if (text === null) return isWhole ? !isAllowed : isAllowed
    // A yes for some names is enough to go on; a no for some says nothing about the others.
    const isOpen = !isWhole && isAllowed
    return all.some((parts) => (isOpen ? mayFit(parts, text) : fits(parts, text)))
  }
}

/** Whether what this person may do on the connection depends on names, of the source or the target, which must then be beyond doubt. */
export function dependsOnNames(rules: readonly Rule[], asker: Asker, connection: string): boolean {
  const [first] = rulesFor(rules, asker, connection)
  return first !== undefined && !isForAll(first)
}

/** The user groups that rules name; nobody needs to ask Slack about others. */
export function groupsOf(rules: readonly Rule[]): string[] {
  return [...new Set(rules.flatMap(({ who }) => who.filter((name) => name.startsWith('S'))))]
}

function rulesFor(rules: readonly Rule[], asker: Asker, connection: string): Rule[] {
  return rules.filter(({ who, on }) => who.some((name) => isMeant(name, asker)) && fitsOne(on, connection))
}

function isMeant(name: string, { id, otherIds = [], membership, groups, channel }: Asker): boolean {
  if (membership === 'stranger') return false
  if (name === 'members') return membership === 'member'
  return name === id || otherIds.includes(name) || name === channel || groups.includes(name)
}

const isForAll = ({ target, from = ['*'] }: Rule) => target.includes('*') && from.includes('*')

function fitsOne(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => matchesGlob(glob, name))
}

/**
 * Compares what people see: without regard to case, to invisible characters, to how an accent is composed and to how many
 * blanks there are. A `*` between two blanks may stand for nothing, and then there is one blank.
 */
export function matchesGlob(glob: string, name: string): boolean {
  return fits(partsOf(glob), framed(name))
}

/** With a blank at either end, where a part of a glob may end with one. */
function framed(name: string): string {
  return ` ${folded(name)} `
}

/**
 * The texts around the `*` of a glob, in the form of a name that is `framed`. It is split before anything is normalised:
 * another character that only looks like a `*` stands for itself.
 */
function partsOf(glob: string): string[] {
  const texts = glob.trim().split('*')
  // Marks at both ends keep the blanks there; nothing combines with them.
  const parts = texts.map((part) => folded(`|${part}|`).slice(1, -1))
  return parts.map((part, at) => {
    const isFirst = at === 0 && part !== ''
    const isLast = at === parts.length - 1 && part !== ''
    return `${isFirst ? ' ' : ''}${part}${isLast ? ' ' : ''}`
  })
}

/** Matches each part at its first occurrence, so the time is linear in the length of the name. */
function fits([first = '', ...rest]: readonly string[], text: string): boolean {
  const last = rest.at(-1)
  if (last === undefined) return text === first
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  // Where a part ends with a blank and the next begins with one, they may share it.
  const from = (part: string) => (part.startsWith(' ') && text[at - 1] === ' ' ? at - 1 : at)
  for (const part of rest.slice(0, -1)) {
    const found = text.indexOf(part, from(part))
    if (found === -1) return false
    at = found + part.length
  }
  return from(last) + last.length <= text.length
}

/** Whether the gaps of a text can be filled so that it matches. */
function mayFit(parts: readonly string[], text: string): boolean {
  if (!text.includes(UNKNOWN_PART)) return fits(parts, text)
  const [first = '', ...rest] = parts
  const last = rest.at(-1)
  if (last === undefined) return fits(text.split(UNKNOWN_PART), first)
  // All that must stand between the two may stand in a gap.
  const before = text.slice(0, text.indexOf(UNKNOWN_PART))
  const after = text.slice(text.lastIndexOf(UNKNOWN_PART) + 1)
  const mayBegin = before.startsWith(first) || first.startsWith(before)
  return mayBegin && (after.endsWith(last) || last.endsWith(after))
}

/** As `comparable`, and with one small sigma: which of the two it is depends on what follows, which a part does not know. */
function folded(text: string): string {
  return comparable(text).replaceAll('ς', 'σ')
}
