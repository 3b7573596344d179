/** The lists behind pickers, read live and cached for half a minute: Slack asks again with every keystroke. */
import { LRUCache } from 'lru-cache'
import { ConnectionError, TemporaryError, UnreadableListError, UserError } from '../errors.js'
import type { Connection, Option, Values } from '../providers/provider.js'
import type { Field } from '../slack/form/fields.js'
import { searchText } from '../slack/form/options.js'
import type { FormState } from '../slack/form/state.js'
import type { Services } from './services.js'

/** A list, or why there is none, in a sentence for the person who fills in the form; `isTransient` when a later try may work. */
export type List = { options: readonly Option[] } | { reason: string; isTransient: boolean }

/** Long enough to type in, short enough to see a new app soon. lru-cache keeps an entry through the last millisecond. */
const LIST_TTL_MS = 30_000 - 1
/** Failures expire sooner, so that the next form finds out that the provider is back. */
const FAILURE_TTL_MS = 5_000
const MAX_LISTS = 500
/** Maximum size of all cached lists together, in characters. The latest list is kept whatever its size. */
const MAX_CHARACTERS = 8_000_000
/** Lists of one connection that are read at the same time. The forms of several people need no more. */
const MAX_CONCURRENT_READS = 20

type Log = Pick<Services['log'], 'warn' | 'error'>

interface PickerListsOptions {
  /** Called whenever a connection refuses what only its operator can fix. */
  refused?(connection: string, reason: string): void
  /** Whom people should tell about that. */
  owner?: string
}

export class PickerLists {
  readonly #log: Log
  readonly #options: PickerListsOptions
  readonly #cache: LRUCache<string, List>
  /** Lists being read, by connection and key. */
  readonly #pending = new Map<string, Map<string, Promise<List>>>()
  readonly #searchTexts = new WeakMap<Option, string>()

  /** @param elapsed monotonic milliseconds. */
  constructor(elapsed: () => number, log: Log, options: PickerListsOptions = {}) {
    this.#log = log
    this.#options = options
    this.#cache = new LRUCache({
      max: MAX_LISTS,
      maxSize: MAX_CHARACTERS,
      sizeCalculation: (list) => Math.min(sizeOf(list), MAX_CHARACTERS),
      ttlResolution: 0,
      // An entry made at 0 would never expire.
      perf: { now: () => elapsed() + 1 },
    })
  }

  /** What an entry of a list is found by, computed once: a list is searched with every keystroke. */
  readonly textOf = (option: Option): string => {
    const known = this.#searchTexts.get(option)
    if (known !== undefined) return known
    const text = searchText(option)
    this.#searchTexts.set(option, text)
    return text
  }

  /** The whole list behind a field; never rejects. A list that is being read is never read a second time meanwhile. */
  async get(connection: Connection, field: Field, state: Pick<FormState, 'values'>): Promise<List> {
    const { name } = connection
    const parents = Object.fromEntries(field.dependsOn.map((key) => [key, state.values[key] ?? '']))
    const key = JSON.stringify([name, field.picker, parents])
    const pending = this.#pending.get(name) ?? new Map<string, Promise<List>>()
    this.#pending.set(name, pending)
    const known = this.#cache.get(key) ?? pending.get(key)
    if (known) return await known
    if (pending.size >= MAX_CONCURRENT_READS) {
      return { reason: `Too many lists of ${name} are loading right now.`, isTransient: true }
    }
    const reading = this.#read(connection, field.picker ?? '', parents).then((list) => {
      this.#cache.set(key, list, { ttl: 'reason' in list ? FAILURE_TTL_MS : LIST_TTL_MS })
      pending.delete(key)
      return list
    })
    pending.set(key, reading)
    return await reading
  }

  async #read(connection: Connection, picker: string, parents: Values): Promise<List> {
    try {
      const read = connection.provider.pickers[picker]
      return { options: read ? await read(connection.api, parents) : [] }
    } catch (error) {
      const about = { connection: connection.name, picker }
      if (!(error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError)) {
        this.#log.error({ err: error, ...about }, 'a picker broke')
        return { reason: "Something broke on our side, so the list can't be loaded.", isTransient: false }
      }
      if (error instanceof ConnectionError) this.#options.refused?.(connection.name, error.message)
      else this.#log.warn({ reason: error.message, ...about }, 'a list could not be read')
      return { reason: this.#reasonFor(connection.name, error), isTransient: error instanceof TemporaryError }
    }
  }

  /** For people. What only the operator can use stays in the log. */
  #reasonFor(connection: string, error: UserError | ConnectionError | TemporaryError): string {
    if (error instanceof UnreadableListError || error instanceof UserError) return error.message
    const status = error.status === undefined ? '' : ` (${error.status})`
    if (error instanceof TemporaryError) return `${connection} can't load the list right now${status}.`
    return `${connection} refused the list${status}. Tell ${this.#options.owner ?? 'the people who run Dolly'}.`
  }
}

/** In characters, with a guess at what a row takes beside them. */
function sizeOf(list: List): number {
  if ('reason' in list) return list.reason.length
  return list.options.reduce(
    (sum, { value, label, description = '', from = '', place = '' }) =>
      sum + 100 + value.length + label.length + description.length + from.length + place.length,
    1,
  )
}
