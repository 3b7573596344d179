/** The last page of the form, drawn from its answers and what the provider says about them. */
import type { ModalView } from '@slack/types'
import type { Named, Operation } from '../../providers/provider.js'
import type { Answers } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { lastPageView } from '../../slack/form/last-page.js'
import { brief, briefList } from '../../slack/text.js'
import type { Target } from '../services.js'
import type { ValidationResult } from './validate.js'

/** The names of the answers, short enough for sentences. Rules and the job get them whole. */
export function shownNames(operation: Operation, { named, picked }: Answers): Named {
  const several = new Set(fieldsOf(operation).flatMap(({ kind, key }) => (kind === 'pickers' ? [key] : [])))
  const short = ([key, words]: [string, string]) => [
    key,
    several.has(key) ? briefList((picked[key] ?? []).map(({ label }) => label)) : brief(words),
  ]
  return Object.fromEntries(Object.entries(named).map(short))
}

/** The last page: what will be done, with names short enough for its sentences to be whole. */
export function lastPage(
  { connection, operation }: Target,
  params: Record<string, unknown>,
  shown: Named,
  draft: string,
  checked: ValidationResult,
): ModalView {
  const what = { ...operation.summary(shown), connection: connection.name, provider: connection.provider.name }
  const remarks = checked.isChecked
    ? { warnings: checked.warnings, unchecked: null }
    : { warnings: [], unchecked: checked.problem }
  return lastPageView(operation, what, operation.preview(params, shown), draft, remarks)
}
