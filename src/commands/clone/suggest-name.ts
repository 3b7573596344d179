/** Names for what is made, filled in from templates: one that is free, within the field's own rules. */
import type { Asker } from '../../access/rules.js'
import { expandTemplate } from '../../domain/template.js'
import { dateDigits } from '../../lib/cron.js'
import { comparable } from '../../lib/text.js'
import { within } from '../../lib/within.js'
import type { Values } from '../../providers/provider.js'
import type { Answers } from '../../slack/form/answers.js'
import { type Field, fieldsOf } from '../../slack/form/fields.js'
import { ownName } from '../../slack/text.js'
import { findTargets } from '../../store/job-reads.js'
import type { Services, Target } from '../services.js'

/** What the form suggests, and what a name that is left empty stands for. */
export const SUGGESTED_NAME = '{source}-{user}-{n}'

/** How many of our own jobs are looked through for names that are used. */
const MAX_JOBS = 200
/** For a list that is not in the cache, in milliseconds: the provider refuses a taken name in any case. */
const LIST_TIMEOUT_MS = 500

/** What a name is made of, and what it must not be. */
interface NameParts {
  /** The label of what is cloned, such as "shop-web (Shop / production)". */
  source: string
  asker: Pick<Asker, 'id' | 'handle'>
  now: number
  /** Whose date the name gets. */
  zone?: string
  /** As `namesInUse` gives them. */
  taken: ReadonlySet<string>
}

/** The template filled in; undefined if the field takes no such name. */
export function nameFrom(
  template: string,
  { accepts }: Pick<Field, 'accepts'>,
  { source, asker, now, zone = 'UTC', taken }: NameParts,
): string | undefined {
  const words = { source: ownName(source), user: asker.handle || asker.id, date: dateDigits(now, zone) }
  return expandTemplate(template, words, { accepts, isTaken: (name) => taken.has(comparable(name)) })
}

/** Names that are used as far as is known, as `comparable` writes them: by what our jobs made, and by what can be cloned. */
export async function namesInUse(
  { db, lists }: Pick<Services, 'db' | 'lists'>,
  { connection, operation }: Pick<Target, 'connection' | 'operation'>,
  values: Values,
): Promise<Set<string>> {
  const fields = fieldsOf(operation)
  const sources = fields.filter(({ key }) => fields.some(({ suggestFrom }) => suggestFrom === key))
  const labels = sources.map(async (field) => {
    const list = await within(LIST_TIMEOUT_MS, lists.get(connection, field, { values }))
    return list && 'options' in list ? list.options.map(({ label }) => label) : []
  })
  const [jobs, ...listed] = await Promise.all([findTargets(db, connection.name, MAX_JOBS), ...labels])
  return new Set([...jobs, ...listed.flat()].map((name) => comparable(ownName(name))))
}

/** The answers of a form with the template of a suggestion where the name was left empty. */
export function withSuggestedNames(operation: Target['operation'], answers: Answers): Answers {
  const left = fieldsOf(operation).filter(
    ({ key, suggestFrom }) => suggestFrom !== undefined && answers.values[key] === undefined,
  )
  const names = Object.fromEntries(left.map(({ key }) => [key, SUGGESTED_NAME]))
  return { ...answers, values: { ...answers.values, ...names }, named: { ...answers.named, ...names } }
}
