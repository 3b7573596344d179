/** The pickers' lists, read live and remembered for a moment: Slack asks again with every key that is pressed. */
import { ConnectionError, TemporaryError, UnreadableListError, UserError } from '../errors.js'
import type { Connection, Option, Values } from '../providers/provider.js'
import type { Field } from '../slack/form/fields.js'
import { searchText } from '../slack/form/options.js'
import type { FormState } from '../slack/form/state.js'

/** A list, or why there is none, in a sentence for whoever fills in the form; `isPassing` when it may come by itself. */
export type List = { options: readonly Option[] } | { reason: string; isPassing: boolean }

/** How long a list is good for, in milliseconds. Long enough to type in, short enough to see a new app soon. */
const LIST_TTL_MS = 30_000
/** A failure is forgotten sooner: the next form should find out that the provider is back. */
const FAILURE_TTL_MS = 5_000
const MAX_LISTS = 500
/** Maximum size of all remembered lists together, in characters. The latest list is kept whatever its size. */
const MAX_CHARACTERS = 8_000_000
/** Lists of one connection that are read at the same time. The forms of several people need no more. */
const MAX_CONCURRENT_READS = 20

interface Log {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export class Lists {
  readonly #elapsed: () => number
  readonly #log: Log
  readonly #refused: (connection: string, reason: string) => void
  readonly #lists = new Map<string, { list: Promise<List>; until: number; size: number }>()
  /** How many lists are being read, by connection. */
  readonly #reads = new Map<string, number>()
  /** What each entry of a list is found by. A list is searched with every key that is pressed. */
  readonly #texts = new WeakMap<Option, string>()

  /**
   * @param elapsed milliseconds by a clock that nobody sets.
   * @param refused told whenever a connection refuses what only its operator can mend.
   */
  constructor(elapsed: () => number, log: Log, refused: (connection: string, reason: string) => void = () => {}) {
    this.#elapsed = elapsed
    this.#log = log
    this.#refused = refused
  }

  /** What an entry of a list is found by, worked out once. */
  readonly textOf = (option: Option): string => {
    const known = this.#texts.get(option)
    if (known !== undefined) return known
    const text = searchText(option)
    this.#texts.set(option, text)
    return text
  }

  /** The whole list behind a field; never rejects. */
  async get(connection: Connection, field: Field, state: Pick<FormState, 'values'>): Promise<List> {
    const parents = parentsOf(field, state)
    const key = keyOf(connection, field, parents)
    const known = this.#lists.get(key)
    if (known && known.until > this.#elapsed()) return await known.list

    const reads = this.#reads.get(connection.name) ?? 0
    if (reads >= MAX_CONCURRENT_READS) {
      return { reason: `${connection.name} has many lists to read just now.`, isPassing: true }
    }
    this.#reads.set(connection.name, reads + 1)
    const list = this.#load(connection, field.picker ?? '', parents)
    // One that is still being read is not read a second time, however long it takes.
    const entry = { list, until: Number.POSITIVE_INFINITY, size: 0 }
    this.#lists.delete(key)
    this.#lists.set(key, entry)
    const [oldest] = this.#lists.keys()
    if (this.#lists.size > MAX_LISTS && oldest !== undefined) this.#lists.delete(oldest)
    const loaded = await list
    this.#reads.set(connection.name, (this.#reads.get(connection.name) ?? 1) - 1)
    entry.until = this.#elapsed() + ('reason' in loaded ? FAILURE_TTL_MS : LIST_TTL_MS)
    entry.size = sizeOf(loaded)
    this.#forgetOldest(key)
    return loaded
  }

  /** Drops the oldest until the rest is within the limit. Lists still being read have no size yet. */
  #forgetOldest(but: string): void {
    let size = [...this.#lists.values()].reduce((sum, entry) => sum + entry.size, 0)
    for (const [key, entry] of this.#lists) {
      if (size <= MAX_CHARACTERS) return
      if (key === but || entry.size === 0) continue
      this.#lists.delete(key)
      size -= entry.size
    }
  }

  async #load(connection: Connection, picker: string, values: Values): Promise<List> {
    try {
      const read = connection.provider.pickers[picker]
      return { options: read ? await read(connection.api, values) : [] }
    } catch (error) {
      const about = { connection: connection.name, picker }
      if (!(error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError)) {
        this.#log.error({ err: error, ...about }, 'a picker broke')
        return { reason: 'The list could not be loaded because something broke on our side.', isPassing: false }
      }
      if (error instanceof ConnectionError) this.#refused(connection.name, error.message)
      else this.#log.warn({ reason: error.message, ...about }, 'a list could not be read')
      return { reason: reasonOf(connection.name, error), isPassing: error instanceof TemporaryError }
    }
  }
}

/** In characters; a row counts for a few of its own. */
function sizeOf(list: List): number {
  if ('reason' in list) return list.reason.length
  return list.options.reduce(
    (sum, { value, label, description = '', from = '', place = '' }) =>
      sum + 100 + value.length + label.length + description.length + from.length + place.length,
    0,
  )
}

function parentsOf({ dependsOn }: Field, { values }: Pick<FormState, 'values'>): Values {
  return Object.fromEntries(dependsOn.map((key) => [key, values[key] ?? '']))
}

function keyOf({ name }: Connection, { picker }: Field, parents: Values): string {
  return JSON.stringify([name, picker, parents])
}

/** What is for the operator to read stands in the log. */
function reasonOf(connection: string, error: UserError | ConnectionError | TemporaryError): string {
  const status = error.status === undefined ? '' : ` (${error.status})`
  if (error instanceof UnreadableListError) return error.message
  if (error instanceof TemporaryError) return `${connection} cannot be asked for the list just now${status}.`
  if (error instanceof ConnectionError)
    return `${connection} does not give Dolly the list${status}: tell who runs Dolly.`
  return error.message
}
