/** Reads who may do what out of dolly.yml, with a sentence for each rule that would not do what it says. */
import { type AccessRules, fitsGlob, type Rule, verbs } from '../access.js'
import { didYouMean } from '../closest.js'

/** What the rules are checked against, and where their problems go. */
export interface AccessReading {
  connections: readonly string[]
  operations: readonly string[]
  note(path: readonly string[], problem: string): void
}

const keys = ['who', 'may', 'on', 'target']
const openToMembers = 'access: [{ who: members, may: "*", on: "*" }]'
const expectedWho = 'expected members, or an id as Slack shows it: of a user (U…), a user group (S…) or a channel (C…)'
const nobodysName = 'whoever keeps dolly.yml'

/** The rules, without those that have a problem, and whom to ask. */
export function readAccess(access: unknown, owner: unknown, reading: AccessReading): AccessRules {
  return { rules: readRules(access, reading), owner: readOwner(owner, reading) }
}

function readOwner(owner: unknown, { note }: AccessReading): string {
  if (owner === undefined || owner === null) return nobodysName
  if (typeof owner === 'string' && /^[^\n]{1,100}$/.test(owner.trim())) return owner.trim()
  note(['owner'], 'is not valid: expected one line of at most 100 characters, such as "#platform-help" or "Ada"')
  return nobodysName
}

function readRules(access: unknown, reading: AccessReading): Rule[] {
  if (access === undefined || access === null) {
    const open = `the line ${openToMembers} opens it to all full members of the workspace`
    reading.note(
      ['access'],
      `is not set, so nobody may do anything; write rules as dolly.example.yml shows, or ${open}`,
    )
    return []
  }
  if (!Array.isArray(access)) {
    reading.note(['access'], `is not valid: expected a list of rules, as in ${openToMembers}`)
    return []
  }
  return access.flatMap((rule: unknown, index) => readRule(rule, ['access', `${index}`], reading) ?? [])
}

function readRule(rule: unknown, path: readonly string[], reading: AccessReading): Rule | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
    reading.note(path, `is not valid: expected a rule, as in ${openToMembers}`)
    return undefined
  }
  for (const key of Object.keys(rule).filter((candidate) => !keys.includes(candidate))) {
    reading.note([...path, key], `is not a known key${didYouMean(key, keys, '; did')} (known: ${keys.join(', ')})`)
  }
  const { who, may, on, target = '*' }: Readonly<Record<string, unknown>> = { ...rule }
  const words = [...verbs, ...reading.operations]
  return {
    who: readWords(who, [...path, 'who'], reading, (name) =>
      name === 'members' || /^[UWSCG][A-Z0-9]{5,}$/.test(name)
        ? undefined
        : `is not valid${didYouMean(name, ['members'], '; did')}: ${expectedWho}`,
    ),
    may: readWords(may, [...path, 'may'], reading, (word) =>
      word === '*' || words.includes(word)
        ? undefined
        : `is no operation of a provider and no verb${didYouMean(word, words, '; did')} (known: ${words.join(', ')})`,
    ),
    on: readWords(on, [...path, 'on'], reading, (glob) =>
      reading.connections.some((name) => fitsGlob(glob, name))
        ? undefined
        : `fits no connection${didYouMean(glob, reading.connections, '; did')} (known: ${reading.connections.join(', ')})`,
    ),
    target: readWords(target, [...path, 'target'], reading, () => undefined),
  }
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
      const isWord = typeof word === 'string' && word.trim() !== ''
      const wrong = isWord ? problem(word) : 'is not valid: expected a word, in quotes if it is a * or a number'
      if (wrong !== undefined) note(at, wrong)
      return isWord ? [word] : []
    })
  }
  return []
}
