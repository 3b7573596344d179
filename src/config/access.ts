/** The access rules of dolly.yml: their schema, and a sentence for each rule that would not do what it says. */
import { z } from 'zod'
import { matchesGlob, type Rule, VERBS } from '../access/rules.js'
import { isChannel } from '../lib/channel.js'
import { didYouMean } from '../lib/closest.js'
import { parseDuration } from '../lib/duration.js'
import { comparable } from '../lib/text.js'
import { maskIds } from '../providers/provider.js'
import { expectType, problemIssue } from './issues.js'

/** By id, whether each copies data of its source. */
export type Operations = Readonly<Record<string, { copiesData: boolean }>>

/** What the rules are checked against, and where their problems go. */
export interface AccessReading {
  /** The operations of each connection. */
  connections: ReadonlyMap<string, Operations>
  /** The operations of all providers, also of those without a connection. */
  operations: Operations
  /** Where a part of the file is, such as " (line 7)"; empty if it is missing. */
  lineOf(path: readonly string[]): string
  note(path: readonly string[], problem: string): void
  /** As `note`, for what works but may not be what was meant. */
  warn(path: readonly string[], problem: string): void
}

const OPEN_TO_MEMBERS = 'access: [{ who: members, may: "*", on: "*" }]'
const EXPECTED_WHO =
  'expected members, or the ID, as Slack shows it, of a person (U…), a user group (S…) or a channel (C…)'
const EXPECTED_OWNER = 'expected one line of at most 100 characters, such as "#platform-help" or "Ada"'
const CLOSED = `so nobody can do anything; write rules as dolly.example.yml shows, or open it to all full members of the workspace with the line ${OPEN_TO_MEMBERS}`

/** Whom to ask for access. */
export const Owner = z
  .string(EXPECTED_OWNER)
  .trim()
  .regex(/^[^\n]{1,100}$/, EXPECTED_OWNER)
  .nullish()
  .transform((owner) => owner ?? 'the people who run Dolly')

/** The list of rules. */
export function rulesSchema(reading: AccessReading) {
  const list = z.array(ruleSchema(reading), `expected a list of rules, as in ${OPEN_TO_MEMBERS}`)
  return z.preprocess((value, context) => {
    if ((value ?? null) === null) context.addIssue(problemIssue(`is not set, ${CLOSED}`))
    else if (Array.isArray(value) && value.length === 0) context.addIssue(problemIssue(`has no rules, ${CLOSED}`))
    return value
  }, list)
}

/** Notes what only several rules together show, among those without a problem of their own. */
export function compareRules(access: unknown, reading: AccessReading): void {
  const schema = ruleSchema(reading)
  const rules = Array.isArray(access) ? access.map((rule) => schema.safeParse(rule).data) : []
  for (const [index, rule] of rules.entries()) {
    if (!rule) continue
    const path = ['access', `${index}`]
    const near = rules.filter((other) => other === undefined || isForSameConnection(rule, other, reading))
    if (rule.may.includes('approve') && !near.some(isApprovedByRules)) reading.warn(path, APPROVE_HAS_NO_EFFECT)
    if (isApprovedByRules(rule) && !near.some(namesApprovers)) reading.note([...path, 'approval'], NOBODY_APPROVES)
    const copying = dataCopiedUnseen(rule, reading)
    if (copying.length > 0) reading.warn(path, forgottenSource(rule, copying))
    const covering = rules.slice(0, index).findIndex((earlier) => earlier && fitsAllOf(earlier, rule))
    if (covering === -1) continue
    const first = `rule ${covering + 1}${reading.lineOf(['access', `${covering}`])}`
    const advice = `${first} comes first and matches everything that this one matches; move this one above it, or remove it`
    reading.note(path, `never applies: ${advice}`)
  }
}

const APPROVE_HAS_NO_EFFECT =
  'lists approve under may, which has no effect: it is for approvals that leave out by, and no rule for these connections has one'
const NOBODY_APPROVES =
  'can be given by nobody: say who under by, or allow approve to people or user groups in a rule for these connections'

function isForSameConnection(one: Rule, other: Rule, reading: AccessReading): boolean {
  const names = connectionsOn(one.on, reading).map(([name]) => name)
  return connectionsOn(other.on, reading).some(([name]) => names.includes(name))
}

/** Whether it leaves to the rules who approves. What a rule with a problem of its own would say is unknown. */
function isApprovedByRules(rule: Rule | undefined): boolean {
  return rule === undefined || (rule.approval !== undefined && rule.approval.by === undefined)
}

/** Whether it lets someone approve. Channels approve nothing. */
function namesApprovers(rule: Rule | undefined): boolean {
  if (rule === undefined) return true
  return (rule.may.includes('*') || rule.may.includes('approve')) && rule.who.some((name) => !isChannel(name))
}

/** The operations that can copy data of any source past a rule that only looks at the target. */
function dataCopiedUnseen({ may, on, target, from }: Rule, reading: AccessReading): string[] {
  if (from !== undefined || target.includes('*')) return []
  const isDecided = (operation: string) => may.length === 0 || may.includes('*') || may.includes(operation)
  const copying = connectionsOn(on, reading).flatMap(([, all]) =>
    Object.keys(all).filter((operation) => all[operation]?.copiesData),
  )
  return [...new Set(copying)].filter(isDecided)
}

function connectionsOn(globs: readonly string[], { connections }: AccessReading): [string, Operations][] {
  return [...connections].filter(([name]) => globs.some((glob) => matchesGlob(glob, name)))
}

function forgottenSource({ may, target }: Rule, copying: readonly string[]): string {
  const copies = `${copying.join(', ')} ${copying.length > 1 ? 'copy' : 'copies'} data`
  const advice =
    may.length > 0
      ? 'any source may be copied there; add from: with the names of sources'
      : `nothing is written there, but its data may still be copied elsewhere; add the same rule with from: ${JSON.stringify(target[0])} instead of target`
  return `has a target but no from, and ${copies}: ${advice} (from: "*" in this rule means any source, and silences this warning)`
}

/**
 * Whether one rule fits wherever the other does, judged only by their words: the members of groups and the names of targets
 * are unknown here.
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

const WORDS = 'expected a word or a list of words'
const WORD = 'expected a word, in quotes if it is a * or a number'

/** One word or a list of them. `problem` returns what is wrong with a word, if anything. */
function words(minWords: 0 | 1, problem: (word: string) => string | undefined) {
  const word = z
    .string(WORD)
    // A word that nobody sees fits nothing, so a rule with it would refuse nothing.
    .refine((text) => comparable(text) !== '', { error: WORD, abort: true })
    .superRefine((text, context) => {
      const message = problem(text)
      if (message !== undefined) context.addIssue(problemIssue(message))
    })
  const list = z.array(word, WORDS).min(minWords, WORDS)
  return z.preprocess((value) => (Array.isArray(value) || (value ?? null) === null ? value : [value]), list)
}

function ruleSchema(reading: AccessReading) {
  const { connections, operations } = reading
  const names = [...connections.keys()]
  const verbs = [...VERBS, ...Object.keys(operations)]
  const who = (name: string) =>
    name === 'members' || /^[UWSCG][A-Z0-9]{5,}$/.test(name)
      ? undefined
      : `is not valid${didYouMean(name, ['members'], '; did')}: ${EXPECTED_WHO}`
  const may = (word: string) =>
    word === '*' || verbs.includes(word)
      ? undefined
      : `is neither an operation nor a verb${didYouMean(word, verbs, '; did')} (known: ${verbs.join(', ')})`
  const on = (glob: string) =>
    // Without any connection that is the one problem to solve.
    names.length === 0 || names.some((name) => matchesGlob(glob, name))
      ? undefined
      : `matches no connection${didYouMean(glob, names, '; did')} (known: ${names.join(', ')})`
  const shape = {
    who: words(1, who),
    // Empty: a rule that refuses. An empty list anywhere else is a mistake.
    may: words(0, may),
    on: words(1, on),
    from: words(1, problemOfName).optional(),
    target: words(1, problemOfName).prefault('*'),
    approval: approvalSchema().optional(),
  }
  const error = expectType(`expected a rule, as in ${OPEN_TO_MEMBERS}`)
  return z.strictObject(shape, { error }).superRefine((rule, context) => {
    const meant = connectionsOn(rule.on, reading)
    const possible = [...new Set(meant.flatMap(([, all]) => Object.keys(all)))]
    for (const [at, word] of rule.may.entries()) {
      if (!Object.hasOwn(operations, word) || meant.length === 0 || possible.includes(word)) continue
      const where = meant.map(([name]) => name).join(', ')
      const near = didYouMean(word, possible, '; did')
      const text = `is not an operation of ${where}${near} (known: ${possible.join(', ')})`
      context.addIssue({ ...problemIssue(text), path: ['may', at] })
    }
    const isStart = (word: string) => word === '*' || word === 'delete' || Object.hasOwn(operations, word)
    if (rule.approval && !rule.may.some(isStart)) {
      const what = rule.may.length === 0 ? 'refuses' : `allows only ${rule.may.join(', ')}`
      const advice = 'approval is for rules that allow an operation or delete'
      context.addIssue({ ...problemIssue(`has no effect, because this rule ${what}; ${advice}`), path: ['approval'] })
    }
  })
}

const EXPECTED_APPROVER = 'expected members, or the ID, as Slack shows it, of a person (U…) or a user group (S…)'
const EXPECTED_COUNT = 'expected a whole number from 1 to 5, without quotes'
const EXPECTED_EXPIRES = 'expected a time from 5m to 7d, such as 30m, 4h or 2d'
const MIN_EXPIRES_MS = 5 * 60_000
const MAX_EXPIRES_MS = 7 * 24 * 3_600_000

/** Who must agree before a job starts that the rule allows. */
function approvalSchema() {
  const by = (name: string) =>
    name === 'members' || /^[UWS][A-Z0-9]{5,}$/.test(name)
      ? undefined
      : `is not valid${didYouMean(name, ['members'], '; did')}: ${EXPECTED_APPROVER}`
  const shape = {
    by: words(1, by).optional(),
    count: z.int(EXPECTED_COUNT).min(1, EXPECTED_COUNT).max(5, EXPECTED_COUNT).default(1),
    expires: z
      .string(EXPECTED_EXPIRES)
      .transform((text) => parseDuration(text) ?? 0)
      .refine((ms) => ms >= MIN_EXPIRES_MS && ms <= MAX_EXPIRES_MS, EXPECTED_EXPIRES)
      .prefault('24h'),
  }
  const error = expectType('expected a mapping, as in approval: { by: S0PLATFORM, count: 2, expires: 4h }')
  return z.strictObject(shape, { error }).transform(({ expires, ...approval }, context) => {
    const people = new Set(approval.by)
    const areAllPeople = approval.by?.every((name) => /^[UW]/.test(name)) ?? false
    if (areAllPeople && people.size < approval.count) {
      const named = people.size === 1 ? 'only one person' : `only ${people.size} people`
      const text = `is ${approval.count}, and by names ${named}; name more, or a user group (S…)`
      context.addIssue({ ...problemIssue(text), path: ['count'] })
    }
    return { ...approval, expiresMs: expires }
  })
}

function problemOfName(glob: string): string | undefined {
  return maskIds(glob) !== glob
    ? 'contains an ID, which matches nothing: rules compare names, and a name shows only the end of an ID; write the name instead'
    : undefined
}
