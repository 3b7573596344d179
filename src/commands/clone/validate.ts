/** Asks the provider what it would surely refuse, before anything is started. */
import { ConnectionError, TemporaryError, UserError } from '../../errors.js'
import { within } from '../../lib/within.js'
import type { Operation, Validation } from '../../providers/provider.js'
import { fieldError } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import type { Services, Target } from '../services.js'

/** Per connection: enough for several people's forms, and a bound on a flood. */
const MAX_CONCURRENT_CHECKS = 10
/** As many as one page has room for. */
const MAX_WARNINGS = 10

/** Errors by field key and warnings, or a sentence on why nothing could be checked. */
export type ValidationResult =
  | { isChecked: true; errors: Record<string, string>; warnings: readonly string[] }
  | { isChecked: false; problem: string }

export class Validator {
  readonly #log: Services['log']
  /** Running checks by connection. */
  readonly #running = new Map<string, number>()

  constructor(log: Services['log']) {
    this.#log = log
  }

  /**
   * Asks the provider about these answers. Only for people who can write to the target: the result reveals details of it.
   *
   * @param timeoutMs how long to wait for the provider.
   * @throws UserError for a refusal that no field can fix.
   */
  async check(target: Target, params: Record<string, unknown>, timeoutMs: number): Promise<ValidationResult> {
    const { connection, operation, operationId } = target
    if (!operation.validate) return { isChecked: true, errors: {}, warnings: [] }
    const { name, api } = connection
    const running = this.#running.get(name) ?? 0
    if (running >= MAX_CONCURRENT_CHECKS) return notChecked(`Too many checks are running at ${name} right now.`)
    if (timeoutMs <= 0) return notChecked(`${name} took too long to check this.`)
    this.#running.set(name, running + 1)
    const asked = Promise.resolve()
      .then(async () => await operation.validate?.(api, params))
      .finally(() => this.#running.set(name, (this.#running.get(name) ?? 1) - 1))
    try {
      const found = await within(timeoutMs, asked)
      return found ? resultOf(operation, found) : notChecked(`${name} took too long to check this.`)
    } catch (error) {
      if (error instanceof UserError && error.field !== undefined) {
        return resultOf(operation, { errors: { [error.field]: error.message } })
      }
      // A refused read says nothing about the write itself.
      if (error instanceof UserError && error.status === undefined) throw error
      const isExpected = [UserError, ConnectionError, TemporaryError].some((kind) => error instanceof kind)
      const about = { err: error, connection: name, operation: operationId }
      if (isExpected) this.#log.warn(about, 'answers could not be checked')
      else this.#log.error(about, 'a check of answers broke')
      return notChecked(`${name} couldn't check this right now.`)
    }
  }
}

function notChecked(why: string): ValidationResult {
  return {
    isChecked: false,
    problem: `${why} I'll check again when you start. If it's refused then, the thread says why.`,
  }
}

/** Slack rejects all errors if one names an unknown field, so those go beside the first field. */
function resultOf(operation: Operation, { errors = {}, warnings = [] }: Validation): ValidationResult {
  const keys = fieldsOf(operation).map(({ key }) => key)
  const byField = new Map<string, string[]>()
  for (const [key, sentence] of Object.entries(errors)) {
    const field = keys.includes(key) ? key : (keys[0] ?? key)
    byField.set(field, [...(byField.get(field) ?? []), sentence])
  }
  return {
    isChecked: true,
    errors: Object.fromEntries([...byField].map(([key, sentences]) => [key, fieldError(sentences.join(' '))])),
    warnings: warnings.filter((warning) => warning.trim() !== '').slice(0, MAX_WARNINGS),
  }
}
