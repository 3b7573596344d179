/** Pure: who may do what. The rules of dolly.yml, the facts about a person, and the decision. */

/** What the buttons of a job do. */
export const verbs = ['check-again', 'start-over', 'dismiss'] as const
export type Verb = (typeof verbs)[number]

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
  /** No rule fits a stranger: a bot, somebody of another workspace, or somebody whose account was deactivated. */
  standing: 'member' | 'guest' | 'stranger'
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
  outline?: string
}

/** Fits `*` and nothing else. */
export const gap = '\0'

/**
 * The first rule whose `who`, `on` and `target` fit decides; without one the answer is no. While the target is not wholly
 * known, the answer is whether there may be one that is allowed: it opens a form or a list, and never replaces the decision
 * that follows.
 */
export function decide(rules: readonly Rule[], asker: Asker, act: Act): { isAllowed: boolean; rule?: Rule } {
  for (const rule of rulesFor(rules, asker, act.connection)) {
    const isAllowed = rule.may.includes('*') || rule.may.includes(act.what)
    const known = act.target ?? act.outline ?? gap
    // A yes for some targets is enough to go on, a no for some says nothing about the others.
    const isOpen = act.target === undefined && known.includes(gap)
    const fits = (isOpen && isAllowed) || fitsOne(rule.target, known)
    if (fits) return { isAllowed, rule }
  }
  return { isAllowed: false }
}

/** Whether what this person may do on the connection depends on the target, so that its name must be beyond doubt. */
export function dependsOnTarget(rules: readonly Rule[], asker: Asker, connection: string): boolean {
  const [first] = rulesFor(rules, asker, connection)
  return first !== undefined && !isForAll(first)
}

/** The user groups that rules name; nobody needs to ask Slack about others. */
export function groupsIn(rules: readonly Rule[]): string[] {
  return [...new Set(rules.flatMap(({ who }) => who.filter((name) => name.startsWith('S'))))]
}

function rulesFor(rules: readonly Rule[], asker: Asker, connection: string): Rule[] {
  return rules.filter(({ who, on }) => who.some((name) => isMeant(name, asker)) && fitsOne(on, connection))
}

function isMeant(name: string, { id, standing, groups, channel }: Asker): boolean {
  if (standing === 'stranger') return false
  return name === 'members' ? standing === 'member' : name === id || name === channel || groups.includes(name)
}

const isForAll = ({ target }: Rule) => target.includes('*')

function fitsOne(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => fitsGlob(glob, name))
}

/** Without regard to case. Takes each part at its first place, so no name, however long, takes long. */
export function fitsGlob(glob: string, name: string): boolean {
  const [first = '', ...rest] = glob.toLowerCase().split('*')
  const last = rest.pop()
  const text = name.toLowerCase()
  if (last === undefined) return text === first
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return at + last.length <= text.length
}
