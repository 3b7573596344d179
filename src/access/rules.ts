/** Pure: who can do what. The rules of dolly.yml, the facts about a person, and the decision. */
import { isChannel } from '../lib/channel.js'
import { comparable, MAX_FOREIGN_TEXT_LENGTH } from '../lib/text.js'

/**
 * What people do besides starting operations: `status` reads other people's jobs, `cancel` ends a job or mutes its thread,
 * `retry` tries again and answers an unknown outcome.
 */
export const VERBS = [
  'status',
  'cancel',
  'retry',
  'delete',
  'extend',
  'approve',
  'schedule',
  'preset',
  'history',
] as const
export type Verb = (typeof VERBS)[number]

/** Other people's consent, which a rule asks for before anything that it allows is sent. */
export interface ApprovalRule {
  /**
   * Ids of people and user groups, or `members`. Guests never count, nor does the person who asks. Absent: everyone the rules
   * let `approve` it.
   */
  by?: readonly string[] | undefined
  /** How many different people must agree. */
  count: number
  /** How long they have, in milliseconds. */
  expiresMs: number
}

/** What a rule asks for one job, with the people who can give it. */
export interface Approval extends ApprovalRule {
  by: readonly string[]
  /** Whether they also need a rule that lets them `approve` it, since the one that asks names nobody. */
  needsRule: boolean
}

/** Each list fits if one of its words does. In a glob, `*` stands for any number of characters. */
export interface Rule {
  /** `members`, or ids of users, user groups and channels. */
  who: readonly string[]
  /** Operations and verbs, or `*` for all of them. Empty: this rule refuses. */
  may: readonly string[]
  /** Globs over names of connections. */
  on: readonly string[]
  /** Globs over the human name of what is written to, as the thread shows it. */
  target: readonly string[]
  /** Globs over the name of what is copied. Absent: any source. */
  from?: readonly string[] | undefined
  /** Who must agree before a job starts that this rule allows. Absent: nobody. */
  approval?: ApprovalRule | undefined
}

/** The part of dolly.yml that says who can do what. */
export interface AccessRules {
  rules: readonly Rule[]
  /** Whom to ask, in the operator's words. */
  owner: string
}

/** What Slack says about a person, as far as rules need it. */
export interface Person {
  id: string
  /** More ids of the same person: in an organization with several workspaces people have two. */
  otherIds?: readonly string[]
  /** What people call them, such as "ada"; never what a rule looks at. */
  handle?: string
  /** A stranger is a bot, somebody of another workspace, or somebody deactivated; no rule fits them. */
  membership: 'member' | 'guest' | 'stranger'
  /** The person's user groups, as far as rules name them. */
  groups: readonly string[]
}

/** A person in the channel where they ask; null if unknown. */
export interface Asker extends Person {
  channel: string | null
}

export interface Act {
  connection: string
  /** An operation or a verb. */
  what: string
  /** The human name of what is written to; absent while unknown, as when a form is opened. */
  target?: string
  /** As much of that name as is known, with UNKNOWN_PART for the rest. */
  partialTarget?: string
  /** The same for what is copied; null if it will never be known. */
  source?: string | null
  partialSource?: string
}

/** Only `*` fits it. A noncharacter, so no normal form changes it and no name contains it. */
export const UNKNOWN_PART = '\uffff'

/**
 * The first rule whose `who`, `on`, `from` and `target` fit decides; without one the answer is no. While names are only
 * partly known, the answer is whether some complete name would be allowed: enough to open a form or a list, and always
 * followed by the decision on the complete names.
 *
 * A source that can't be known fits every rule that refuses, and of the rules that allow, only those for any source.
 */
export function decide(rules: readonly Rule[], asker: Asker, act: Act): Decision {
  return createDecider(rules, asker, act.connection)(act)
}

/** The answer, and the rule that gave it. */
export interface Decision {
  isAllowed: boolean
  rule?: Rule
}

/** The same for many acts of one person on one connection, such as the entries of a list: globs are prepared only once. */
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
    const [copied, written] = [comparableName(source, partialSource), comparableName(target, partialTarget)]
    for (const { rule, ...fitsNames } of relevant) {
      const isAllowed = rule.may.includes('*') || rule.may.includes(what)
      if (fitsNames.from(copied, isAllowed) && fitsNames.target(written, isAllowed)) return { isAllowed, rule }
    }
    return { isAllowed: false }
  }
}

/** The known part of a name, in the form that is compared; null if it can't be compared. */
interface ComparableName {
  text: string | null
  isWhole: boolean
}

function comparableName(name: string | null | undefined, partialTarget = UNKNOWN_PART): ComparableName {
  const isWhole = name !== undefined
  const text = isWhole ? name : partialTarget
  // What is beyond the limit might be what a rule refuses.
  const isComparable = text !== null && text.length <= MAX_FOREIGN_TEXT_LENGTH
  return { text: isComparable ? padded(text) : null, isWhole }
}

/** Returns whether a rule applies to a name that may be only partly known, given whether the rule allows or refuses. */
function matcherOf(globs: readonly string[]): (name: ComparableName, isAllowed: boolean) => boolean {
  if (globs.includes('*')) return () => true
  const all = globs.map(partsOf)
  return ({ text, isWhole }, isAllowed) => {
    if (text === null) return isWhole ? !isAllowed : isAllowed
    // If some complete name fits a rule that allows, the person can go on. A refusal of some says nothing about the others.
    const isPartialMatchEnough = !isWhole && isAllowed
    return all.some((parts) => (isPartialMatchEnough ? mayMatch(parts, text) : matches(parts, text)))
  }
}

/** Whether this person's access to the connection depends on the names of source or target, which must then be verified. */
export function dependsOnNames(rules: readonly Rule[], asker: Asker, connection: string): boolean {
  const [first] = rulesFor(rules, asker, connection)
  return first !== undefined && !(first.target.includes('*') && (first.from ?? ['*']).includes('*'))
}

/** The user groups that rules name. */
export function groupsOf(rules: readonly Rule[]): string[] {
  const names = rules.flatMap(({ who, approval }) => [...who, ...(approval?.by ?? [])])
  return [...new Set(names.filter((name) => name.startsWith('S')))]
}

/** What a rule asks for an act whose names are known; undefined if nothing. */
export function approvalOf(rules: readonly Rule[], rule: Rule | undefined, act: Act): Approval | undefined {
  if (rule?.approval === undefined) return undefined
  const { by = approversOf(rules, act), ...rest } = rule.approval
  return { ...rest, by, needsRule: rule.approval.by === undefined }
}

/**
 * Whom the rules let `approve` an act, by their ids or as `members`. Rules for channels name nobody. Whether an earlier rule
 * refuses one of them, as a member of another group, is seen once they try.
 */
function approversOf(rules: readonly Rule[], { connection, source, target }: Act): string[] {
  const [copied, written] = [comparableName(source), comparableName(target)]
  const decided = new Set<string>()
  const approvers: string[] = []
  for (const { who, may, on, from = ['*'], target: names } of rules) {
    const isAllowed = may.includes('*') || may.includes('approve')
    if (!on.some((glob) => matchesGlob(glob, connection))) continue
    if (!matcherOf(from)(copied, isAllowed) || !matcherOf(names)(written, isAllowed)) continue
    const people = who.filter((name) => !isChannel(name) && !decided.has(name))
    if (isAllowed) approvers.push(...people)
    for (const name of people) decided.add(name)
    // Only members approve, and this rule decides for all of them that no earlier one does.
    if (decided.has('members')) break
  }
  return approvers
}

/** Whether a person is among those who can approve. Only full members are, also where one who isn't is named. */
export function isApprover(by: readonly string[], person: Person): boolean {
  return person.membership === 'member' && by.some((name) => appliesTo(name, { ...person, channel: null }))
}

/**
 * Whether enough people can approve something that this person asks for, as far as the rules show: how many are in a group
 * only Slack knows.
 */
export function hasEnoughApprovers({ by, count }: Approval, { id, otherIds = [] }: Person): boolean {
  const others = new Set(by.filter((name) => name !== id && !otherIds.includes(name)))
  return others.size >= count || [...others].some((name) => name === 'members' || name.startsWith('S'))
}

function rulesFor(rules: readonly Rule[], asker: Asker, connection: string): Rule[] {
  return rules.filter(
    ({ who, on }) => who.some((name) => appliesTo(name, asker)) && on.some((glob) => matchesGlob(glob, connection)),
  )
}

function appliesTo(name: string, { id, otherIds = [], membership, groups, channel }: Asker): boolean {
  if (membership === 'stranger') return false
  if (name === 'members') return membership === 'member'
  return name === id || otherIds.includes(name) || name === channel || groups.includes(name)
}

/**
 * Compares what people see: case, invisible characters, the composition of accents and the number of spaces make no
 * difference. A `*` between two spaces may stand for nothing, and then one space is enough.
 */
export function matchesGlob(glob: string, name: string): boolean {
  return matches(partsOf(glob), padded(name))
}

/** With a space at either end, because a part of a glob may end with one. */
function padded(name: string): string {
  return ` ${folded(name)} `
}

/**
 * The texts around the `*` of a glob, in the form of a `padded` name. Splits before it normalises, so that a character that
 * only looks like a `*` stands for itself.
 */
function partsOf(glob: string): string[] {
  const texts = glob.trim().split('*')
  // The bars keep spaces at both ends; nothing combines with them.
  const parts = texts.map((part) => folded(`|${part}|`).slice(1, -1))
  return parts.map((part, at) => {
    const isFirst = at === 0 && part !== ''
    const isLast = at === parts.length - 1 && part !== ''
    return `${isFirst ? ' ' : ''}${part}${isLast ? ' ' : ''}`
  })
}

/** Matches each part at its first occurrence, so it runs in linear time. */
function matches([first = '', ...rest]: readonly string[], text: string): boolean {
  const last = rest.at(-1)
  if (last === undefined) return text === first
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  // A part that ends with a space and the next one that begins with one may share it.
  const from = (part: string) => (part.startsWith(' ') && text[at - 1] === ' ' ? at - 1 : at)
  for (const part of rest.slice(0, -1)) {
    const found = text.indexOf(part, from(part))
    if (found === -1) return false
    at = found + part.length
  }
  return from(last) + last.length <= text.length
}

/** Whether some text in place of the unknown parts would match. */
function mayMatch(parts: readonly string[], text: string): boolean {
  if (!text.includes(UNKNOWN_PART)) return matches(parts, text)
  const [first = '', ...rest] = parts
  const last = rest.at(-1)
  if (last === undefined) return matches(text.split(UNKNOWN_PART), first)
  // Everything between the two ends may be in an unknown part.
  const before = text.slice(0, text.indexOf(UNKNOWN_PART))
  const after = text.slice(text.lastIndexOf(UNKNOWN_PART) + 1)
  const mayBegin = before.startsWith(first) || first.startsWith(before)
  return mayBegin && (after.endsWith(last) || last.endsWith(after))
}

/** As `comparable`, and with one form of small sigma: which one is right depends on the next letter, which may be in the next part. */
function folded(text: string): string {
  return comparable(text).replaceAll('ς', 'σ')
}
