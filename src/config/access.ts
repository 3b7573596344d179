/** Reads who may do what out of dolly.yml, with a sentence for each rule that would not do what it says. */
import { type AccessRules, matchesGlob, type Rule, VERBS } from '../access/rules.js'
import { didYouMean } from '../lib/closest.js'
import { comparable } from '../lib/text.js'
import { maskIds } from '../providers/provider.js'

/** What the rules are checked against, and where their problems go. */
export interface AccessReading {
  /** The operations of each connection. */
  connections: ReadonlyMap<string, readonly string[]>
  /** Those of all providers, also of ones that no connection is at. */
  operations: readonly string[]
  /** Those of each connection that copy data of their source. */
  copyingData: ReadonlyMap<string, readonly string[]>
  /** Where a part of the file stands, such as " (line 7)"; empty where it does not. */
  lineOf(path: readonly string[]): string
  note(path: readonly string[], problem: string): void
  /** As `note`, for what works but may not be what was meant. */
  warn(path: readonly string[], problem: string): void
}

const KEYS = ['who', 'may', 'on', 'from', 'target']
const OPEN_TO_MEMBERS = 'access: [{ who: members, may: "*", on: "*" }]'
const EXPECTED_WHO = 'expected members, or an id as Slack shows it: of a user (U…), a user group (S…) or a channel (C…)'
const NOBODYS_NAME = 'whoever keeps dolly.yml'

/** The rules, without those that have a problem, and whom to ask. */
export function readAccess(access: unknown, owner: unknown, reading: AccessReading): AccessRules {
  return { rules: readRules(access, reading), owner: readOwner(owner, reading) }
}

function readOwner(owner: unknown, { note }: AccessReading): string {
  if (owner === undefined || owner === null) return NOBODYS_NAME
  if (typeof owner === 'string' && /^[^\n]{1,100}$/.test(owner.trim())) return owner.trim()
  note(['owner'], 'is not valid: expected one line of at most 100 characters, such as "#platform-help" or "Ada"')
  return NOBODYS_NAME
}

function readRules(access: unknown, reading: AccessReading): Rule[] {
  if (access === undefined || access === null || (Array.isArray(access) && access.length === 0)) {
    const open = `the line ${OPEN_TO_MEMBERS} opens it to all full members of the workspace`
    reading.note(
      ['access'],
      `${access ? 'has no rules' : 'is not set'}, so nobody may do anything; write rules as dolly.example.yml shows, or ${open}`,
    )
    return []
  }
  if (!Array.isArray(access)) {
    reading.note(['access'], `is not valid: expected a list of rules, as in ${OPEN_TO_MEMBERS}`)
    return []
  }
  const rules = access.map((rule: unknown, index) => readFlawless(rule, ['access', `${index}`], reading))
  for (const [index, rule] of rules.entries()) {
    const decider = rules.slice(0, index).findIndex((earlier) => earlier && rule && fitsAllOf(earlier, rule))
    if (decider === -1) continue
    const first = `rule ${decider + 1}${reading.lineOf(['access', `${decider}`])}`
    const advice = `${first} comes first and fits whatever this one fits; put this one above it, or take it out`
    reading.note(['access', `${index}`], `can never decide anything: ${advice}`)
  }
  for (const [index, rule] of rules.entries()) {
    const copying = rule ? dataCopiedUnseen(rule, reading) : []
    if (rule && copying.length > 0) reading.warn(['access', `${index}`], forgottenSource(rule, copying))
  }
  return rules.filter((rule) => rule !== undefined)
}

/** The operations with which data of any source gets past a rule that looks at the target alone. */
function dataCopiedUnseen({ may, on, target, from }: Rule, reading: AccessReading): string[] {
  if (from !== undefined || target.includes('*')) return []
  const isDecided = (operation: string) => may.length === 0 || may.includes('*') || may.includes(operation)
  const meant = [...reading.copyingData].filter(([name]) => on.some((glob) => matchesGlob(glob, name)))
  return [...new Set(meant.flatMap(([, operations]) => operations))].filter(isDecided)
}

function forgottenSource({ may, target }: Rule, copying: readonly string[]): string {
  const copies = `${copying.join(', ')} ${copying.length > 1 ? 'copy' : 'copies'} data`
  const anySource = 'from: "*" in this rule says that any source is fine, and ends this warning'
  if (may.length > 0) {
    return `has a target but no from, and ${copies}: any source may be copied there; add from: with the names of sources (${anySource})`
  }
  return `has a target but no from, and ${copies}: nothing is written there, but its data may still be copied elsewhere; add the same rule with from: ${JSON.stringify(target[0])} instead of target (${anySource})`
}

/**
 * Whether the one rule surely fits wherever the other does, by their own words: who is in a group, or which connections
 * and targets there will be, nobody knows here.
 */
function fitsAllOf(one: Rule, other: Rule): boolean {
  const areCovered = (globs: readonly string[], by: readonly string[]) =>
    // A * of the narrower glob can only stand where the wider one has a * too, so whatever it stands for fits as well.
    globs.every((glob) => by.some((wider) => matchesGlob(wider, glob)))
  return (
    other.who.every((name) => one.who.includes(name)) &&
    areCovered(other.on, one.on) &&
    areCovered(other.target, one.target) &&
    areCovered(other.from ?? ['*'], one.from ?? ['*'])
  )
}

/** Undefined after a problem, for then nobody knows what the rule was meant to say. */
function readFlawless(rule: unknown, path: readonly string[], reading: AccessReading): Rule | undefined {
  let isFlawed = false
  const note: AccessReading['note'] = (at, problem) => {
    isFlawed = true
    reading.note(at, problem)
  }
  const read = readRule(rule, path, { ...reading, note })
  return isFlawed ? undefined : read
}

function readRule(rule: unknown, path: readonly string[], reading: AccessReading): Rule | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
    reading.note(path, `is not valid: expected a rule, as in ${OPEN_TO_MEMBERS}`)
    return undefined
  }
  for (const key of Object.keys(rule).filter((candidate) => !KEYS.includes(candidate))) {
    reading.note([...path, key], `is not a known key${didYouMean(key, KEYS, '; did')} (known: ${KEYS.join(', ')})`)
  }
  const { who, may, on, from, target = '*' }: Readonly<Record<string, unknown>> = { ...rule }
  const words = [...VERBS, ...reading.operations]
  const names = [...reading.connections.keys()]
  const globs = [on].flat().filter((glob) => typeof glob === 'string')
  const meant = names.filter((name) => globs.some((glob) => matchesGlob(glob, name)))
  const possible = [...new Set(meant.flatMap((name) => reading.connections.get(name) ?? []))]
  return {
    who: readWords(who, [...path, 'who'], reading, (name) =>
      name === 'members' || /^[UWSCG][A-Z0-9]{5,}$/.test(name)
        ? undefined
        : `is not valid${didYouMean(name, ['members'], '; did')}: ${EXPECTED_WHO}`,
    ),
    may: readWords(may, [...path, 'may'], reading, (word) => {
      if (word !== '*' && !words.includes(word))
        return `is no operation of a provider and no verb${didYouMean(word, words, '; did')} (known: ${words.join(', ')})`
      const isPossible = meant.length === 0 || possible.includes(word)
      if (!reading.operations.includes(word) || isPossible) return undefined
      return `is no operation of ${meant.join(', ')}${didYouMean(word, possible, '; did')} (known: ${possible.join(', ')})`
    }),
    on: readWords(on, [...path, 'on'], reading, (glob) =>
      // Without any connection that is the one thing to mend.
      names.length === 0 || names.some((name) => matchesGlob(glob, name))
        ? undefined
        : `fits no connection${didYouMean(glob, names, '; did')} (known: ${names.join(', ')})`,
    ),
    target: readWords(target, [...path, 'target'], reading, problemOfName),
    ...(from === undefined ? {} : { from: readWords(from, [...path, 'from'], reading, problemOfName) }),
  }
}

function problemOfName(glob: string): string | undefined {
  return maskIds(glob) !== glob
    ? 'contains an id, which matches nothing: rules compare names, and a name shows only the end of an id; write the name instead'
    : undefined
}

/**
 * One word or a list of them. Only `may` can be an empty list: a rule for nobody or nothing is a mistake.
 *
 * @param problem what is wrong with a word, if anything.
 */
function readWords(
  value: unknown,
  path: readonly string[],
  { note }: AccessReading,
  problem: (word: string) => string | undefined,
): string[] {
  const isEmptyFine = path.at(-1) === 'may'
  const words: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (value === undefined || value === null) note(path, 'is not set: expected a word or a list of words')
  else if (words.length === 0 && !isEmptyFine) note(path, 'is empty: expected a word or a list of words')
  else {
    return words.flatMap((word, index) => {
      const at = Array.isArray(value) ? [...path, `${index}`] : path
      // What nobody sees fits nothing, and a rule of it would refuse nothing.
      const isWord = typeof word === 'string' && comparable(word) !== ''
      const wrong = isWord ? problem(word) : 'is not valid: expected a word, in quotes if it is a * or a number'
      if (wrong !== undefined) note(at, wrong)
      return isWord ? [word] : []
    })
  }
  return []
}
