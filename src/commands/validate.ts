/** Asks the provider, before anything is started, what it would surely refuse. */

import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import type { Operation, Validation } from '../providers/provider.js'
import { fieldError } from '../slack/answers.js'
import { fieldsOf } from '../slack/fields.js'
import { type Services, type Target, within } from './services.js'

/** Checks of one connection under way at once. The forms of several people need no more, and a flood gets no further. */
const maxAtOnce = 10
/** One page has room for so many. */
const maxWarnings = 10

/** What came of a check: errors by the key of a field of the form, or a sentence that says why there was no check. */
export type Checked =
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
   * The provider's word on these answers. Only for those who may write to the target: the answer tells about it.
   *
   * @param ms how long the provider may take. Then nobody waits for it any more.
   * @throws UserError for what it refuses and no field can mend.
   */
  async check(target: Target, params: Record<string, unknown>, ms: number): Promise<Checked> {
    const { connection, operation, operationId } = target
    if (!operation.validate) return { isChecked: true, errors: {}, warnings: [] }
    const { name, api } = connection
    const running = this.#running.get(name) ?? 0
    if (running >= maxAtOnce) return unchecked(`${name} has too much to check just now.`)
    if (ms <= 0) return unchecked(`${name} was too slow to check this.`)
    this.#running.set(name, running + 1)
    const asked = Promise.resolve()
      .then(async () => await operation.validate?.(api, params))
      .finally(() => this.#running.set(name, (this.#running.get(name) ?? 1) - 1))
    try {
      const found = await within(ms, asked)
      return found ? sorted(operation, found) : unchecked(`${name} was too slow to check this.`)
    } catch (error) {
      if (error instanceof UserError && error.field !== undefined) {
        return sorted(operation, { errors: { [error.field]: error.message } })
      }
      // A read that the provider refused proves nothing of the write.
      if (error instanceof UserError && error.status === undefined) throw error
      const isExpected = [UserError, ConnectionError, TemporaryError].some((kind) => error instanceof kind)
      const about = { err: error, connection: name, operation: operationId }
      if (isExpected) this.#log.warn(about, 'answers could not be checked')
      else this.#log.error(about, 'a check of answers broke')
      return unchecked(`${name} could not check this just now.`)
    }
  }
}

function unchecked(why: string): Checked {
  return { isChecked: false, problem: `${why} If it refuses something, the thread says so.` }
}

/** Slack takes no errors at all where one is not beside a field of the form, so those stand beside the first. */
function sorted(operation: Operation, { errors = {}, warnings = [] }: Validation): Checked {
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
    warnings: warnings.filter((warning) => warning.trim() !== '').slice(0, maxWarnings),
  }
}
