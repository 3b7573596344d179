/** Asks the provider, before anything is started, what it would surely refuse. */

import { ConnectionError, TemporaryError, UserError } from '../../errors.js'
import type { Operation, Validation } from '../../providers/provider.js'
import { fieldError } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { type Services, type Target, within } from '../services.js'

/** Maximum concurrent checks per connection: enough for several people's forms, and a bound on a flood. */
const MAX_CONCURRENT_CHECKS = 10
/** One page has room for so many. */
const MAX_WARNINGS = 10

/** What came of a check: errors by the key of a field of the form, or a sentence that says why there was no check. */
export type ValidationResult =
  | { isChecked: true; errors: Record<string, string>; warnings: readonly string[] }
  | { isChecked: false; problem: string }

export class Validator {
  readonly #log: Services['log']
  /** How many checks are under way, by connection. */
  readonly #running = new Map<string, number>()

  constructor(log: Services['log']) {
    this.#log = log
  }

  /**
   * Asks the provider about these answers. Only for people who may write to the target: the result reveals details of it.
   *
   * @param ms how long to wait for the provider.
   * @throws UserError for a refusal that no field can fix.
   */
  async check(target: Target, params: Record<string, unknown>, ms: number): Promise<ValidationResult> {
    const { connection, operation, operationId } = target
    if (!operation.validate) return { isChecked: true, errors: {}, warnings: [] }
    const { name, api } = connection
    const running = this.#running.get(name) ?? 0
    if (running >= MAX_CONCURRENT_CHECKS) return notChecked(`Too many checks are running at ${name} right now.`)
    if (ms <= 0) return notChecked(`${name} was too slow to check this.`)
    this.#running.set(name, running + 1)
    const asked = Promise.resolve()
      .then(async () => await operation.validate?.(api, params))
      .finally(() => this.#running.set(name, (this.#running.get(name) ?? 1) - 1))
    try {
      const found = await within(ms, asked)
      return found ? resultOf(operation, found) : notChecked(`${name} was too slow to check this.`)
    } catch (error) {
      if (error instanceof UserError && error.field !== undefined) {
        return resultOf(operation, { errors: { [error.field]: error.message } })
      }
      // A refused read says nothing about the write.
      if (error instanceof UserError && error.status === undefined) throw error
      const isExpected = [UserError, ConnectionError, TemporaryError].some((kind) => error instanceof kind)
      const about = { err: error, connection: name, operation: operationId }
      if (isExpected) this.#log.warn(about, 'answers could not be checked')
      else this.#log.error(about, 'a check of answers broke')
      return notChecked(`${name} could not check this just now.`)
    }
  }
}

function notChecked(why: string): ValidationResult {
  return {
    isChecked: false,
    problem: `${why} Dolly asks again when you start, and the thread tells you what is refused later.`,
  }
}

/** Slack rejects all errors if one names an unknown field, so those go beside the first field. */
function resultOf(operation: Operation, { errors = {}, warnings = [] }: Validation): ValidationResult {
  const [first, ...others] = fieldsOf(operation).map(({ key }) => key)
  const known = new Set([first, ...others])
  const byField = new Map<string, string[]>()
  for (const [key, sentence] of Object.entries(errors)) {
    const field = known.has(key) ? key : (first ?? key)
    byField.set(field, [...(byField.get(field) ?? []), sentence])
  }
  return {
    isChecked: true,
    errors: Object.fromEntries([...byField].map(([key, sentences]) => [key, fieldError(sentences.join(' '))])),
    warnings: warnings.filter((warning) => warning.trim() !== '').slice(0, MAX_WARNINGS),
  }
}
