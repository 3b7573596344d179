/** What every start of a job goes through, whether a person fills in a form, names a preset, or a schedule runs one. */
import { type Approval, type Asker, approvalOf, decide, dependsOnNames } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import { isTemplate } from '../../domain/template.js'
import { comparable, cut } from '../../lib/text.js'
import type { Named } from '../../providers/provider.js'
import { type Answers, fieldError, fieldErrors } from '../../slack/form/answers.js'
import { CHANNEL_BLOCK } from '../../slack/form/channel.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { KEEP_BLOCK, readKeep } from '../../slack/form/keep.js'
import { limits } from '../../slack/limits.js'
import { brief } from '../../slack/text.js'
import { findHolder } from '../../store/jobs.js'
import { assertEnoughApprovers, placeProblem, strictestApproval } from '../approvals/request.js'
import { accessDenied, sourceOf } from '../authorize.js'
import type { Services, Target } from '../services.js'
import type { resolveDestination } from './destinations.js'
import { RESOLVE_TIMEOUT_MS, resolveNames, withoutBlanks } from './resolve-names.js'
import { nameFrom, namesInUse } from './suggest-name.js'
import type { ValidationResult } from './validate.js'

/** What a start needs besides the usual. */
export interface Starting extends Services {
  /** How long the person who asked still waits, in milliseconds. */
  remainingMs(): number
}

/** Answers that may become a job now, or what prevents that. */
export type Prepared =
  | ReadyJob
  /** A sentence by field; for the place of the thread under its block. */
  | { kind: 'errors'; errors: Record<string, string> }
  /** Access depends on a name that can't be read now. */
  | { kind: 'unread'; field: string; reason: string }
  | { kind: 'locked'; holder: Job }

export interface ReadyJob {
  kind: 'ready'
  params: Record<string, unknown>
  answers: Answers
  channel: string
  /** How long what is made is kept, in milliseconds; null for no expiry. */
  keepForMs: number | null
  /** Who must approve before anything is sent; undefined if nobody. */
  approval: Approval | undefined
  /** What the provider says; `errors` are empty. */
  checked: ValidationResult
  /** The names with placeholders that were given, by field. */
  templates: Record<string, string>
  /** Whether the names were read from the provider, because rules look at them for this person. */
  isNamedByProvider: boolean
}

/** How often a numbered name that the provider refuses gives way to the next one. */
const MAX_NAMES_TRIED = 5

/**
 * Looks up the names, fills in templates, parses, asks the rules, looks for a job with the same target, and asks the provider
 * what it would refuse.
 *
 * @param place where the thread goes.
 * @param zone whose date a name gets.
 * @throws UserError when this person can't do it, or the provider refuses what no field can fix.
 */
export async function prepareJob(
  services: Starting,
  asker: Asker,
  target: Target,
  given: Answers,
  place: ReturnType<typeof resolveDestination> | Awaited<ReturnType<typeof resolveDestination>>,
  zone = 'UTC',
): Promise<Prepared> {
  const { connection, operation } = target
  const isNamedByProvider = dependsOnNames(services.access.rules, asker, connection.name)
  const lookUpMs = Math.min(RESOLVE_TIMEOUT_MS, services.remainingMs())
  const [{ answers: resolved, unknown, unread }, destination] = await Promise.all([
    resolveNames(services, target, given, isNamedByProvider, lookUpMs),
    place,
  ])
  const keepForMs = operation.removal ? readKeep(given.keep, connection.expiry) : null
  const templates = templatesIn(target, resolved)
  const taken = await takenBeside(services, target, resolved, templates)
  for (let tries = 1; ; tries += 1) {
    const answers = fillIn(services, asker, target, resolved, templates, { zone, taken })
    const parsed = operation.fields.safeParse(answers.values)
    const errors = {
      ...('problem' in destination ? { [CHANNEL_BLOCK]: fieldError(destination.problem) } : {}),
      ...(parsed.success ? {} : fieldErrors(parsed.error, answers.values)),
      ...unknown,
      // Only what the form doesn't offer, or no longer.
      ...(keepForMs === undefined ? { [KEEP_BLOCK]: "It can't be kept for that long. Choose another time." } : {}),
    }
    const isWrong = Object.keys(errors).length > 0
    if (!parsed.success || 'problem' in destination || keepForMs === undefined || isWrong)
      return { kind: 'errors', errors }
    // A rule might forbid the name that we can't read.
    if (unread !== null)
      return { kind: 'unread', field: unread.field, reason: cut(`${UNREADABLE} ${unread.reason}`, limits.fieldError) }
    const approval = assertAllowed(services, asker, target, answers.named)
    assertEnoughApprovers(services, asker, approval)
    const problem = placeProblem(approval, destination.channel)
    if (problem !== undefined) return { kind: 'errors', errors: { [CHANNEL_BLOCK]: problem } }
    const holder = await findHolder(services.db, connection.name, operation.lock(parsed.data))
    const checked: ValidationResult | null = holder
      ? null
      : await services.validator.check(target, parsed.data, services.remainingMs())
    const problems = checked?.isChecked ? checked.errors : {}
    const numbered = Object.entries(templates).filter(
      ([key, text]) => text.includes('{n}') && (holder || problems[key]),
    )
    if (numbered.length > 0 && tries < MAX_NAMES_TRIED) {
      for (const [key] of numbered) taken.add(comparable(String(answers.values[key])))
      continue
    }
    if (holder) return { kind: 'locked', holder }
    if (checked === null || Object.keys(problems).length > 0) return { kind: 'errors', errors: problems }
    const { channel } = destination
    const rest = { channel, keepForMs, approval, checked, templates, isNamedByProvider }
    return { kind: 'ready', params: parsed.data, answers, ...rest }
  }
}

/** The texts with placeholders. */
function templatesIn({ operation }: Target, { values }: Answers): Record<string, string> {
  const texts = fieldsOf(operation).flatMap(({ key, kind }): [string, string][] => {
    const text = values[key]
    return kind === 'text' && typeof text === 'string' && isTemplate(text) ? [[key, text]] : []
  })
  return Object.fromEntries(texts)
}

/** The names in use, where a template has to avoid them. */
export async function takenBeside(
  services: Pick<Services, 'db' | 'lists'>,
  target: Pick<Target, 'connection' | 'operation'>,
  { values }: Answers,
  templates: Readonly<Record<string, string>>,
): Promise<Set<string>> {
  if (Object.keys(templates).length === 0) return new Set()
  const texts = Object.entries(values).map(([key, value]) => [key, String(value ?? '')])
  return await namesInUse(services, target, Object.fromEntries(texts))
}

/** The answers with their templates filled in; one that no name fits stays as it is, and its field refuses it. */
export function fillIn(
  services: Pick<Services, 'now'>,
  asker: Asker,
  { operation }: Pick<Target, 'operation'>,
  answers: Answers,
  templates: Readonly<Record<string, string>>,
  { zone, taken }: { zone: string; taken: ReadonlySet<string> },
): Answers {
  const parts = { asker, now: services.now(), zone, taken }
  const filled = fieldsOf(operation).flatMap((field): [string, string][] => {
    const template = templates[field.key]
    const source = answers.named[field.suggestFrom ?? ''] ?? operation.summary(answers.named).from
    const name = template === undefined ? undefined : nameFrom(template, field, { ...parts, source })
    return name === undefined ? [] : [[field.key, name]]
  })
  const names = Object.fromEntries(filled)
  return { ...answers, values: { ...answers.values, ...names }, named: { ...answers.named, ...names } }
}

export const UNREADABLE = "Access depends on its name, which I can't read right now. Try again in a moment."

/**
 * The decision, now that source and target have names. These contain text that the person typed, so the rules must also
 * allow the same names without the spaces in that text: a clone called "x in staging on a" must not make "x in staging on a
 * in production on b" fit a rule for "* in staging on *".
 *
 * @returns the approval that the rules ask for; undefined if none.
 * @throws UserError when a rule refuses, or the two readings of the names need different approvals.
 */
export function assertAllowed(
  services: Services,
  asker: Asker,
  { connection, operation, operationId }: Target,
  named: Named,
): Approval | undefined {
  const typed = new Set(fieldsOf(operation).flatMap(({ kind, key }) => (kind === 'text' ? [key] : [])))
  const joined = Object.entries(named).map(([key, words]) => [key, typed.has(key) ? withoutBlanks(words) : words])
  const { rules } = services.access
  const decisions = [named, Object.fromEntries(joined)].map((words) => {
    const names = { target: operation.summary(words).to, source: sourceOf(operation, words) }
    const act = { connection: connection.name, what: operationId, ...names }
    const { isAllowed, rule } = decide(rules, asker, act)
    return { isAllowed, approval: approvalOf(rules, rule, act) }
  })
  if (decisions.every(({ isAllowed }) => isAllowed)) return strictestApproval(decisions.map(({ approval }) => approval))
  const { from, to } = operation.summary(named)
  const source = rules.some((rule) => rule.from !== undefined) ? `from "${brief(from)}" ` : ''
  throw accessDenied(services, asker, `run ${operationId} on ${connection.name} ${source}to "${brief(to)}"`)
}
