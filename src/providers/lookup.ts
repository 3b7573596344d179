/** Finding things of a vendor by their name, and looking up many at once. */
import { findSurely, settleEach } from './paging.js'
import type { Api, Attempt, Written } from './provider.js'

/** How the thing that a step makes is told from others in a list, when its name is all that is known of it. */
export interface NameSearch<P, Before, Row, R> {
  /** Everything among which it would be, also the rows that cannot be read: a row left out may be the one. */
  list(api: Api, params: P, before: Before): Promise<readonly Row[]>
  /** The row's id; undefined where it cannot be read. */
  id(row: Row): string | undefined
  /** Whether the row has the name that these params ask for; undefined where that cannot be read. */
  matches(row: Row, params: P, before: Before): boolean | undefined
  /** What the step's `run` would have answered. `incomplete` things are told from whole ones here: see `attempt.lost`. */
  made(id: string, row: Row, search: { api: Api; params: P; before: Before; attempt: Attempt }): Found<R>
}
type Found<R> = Written<R> | Promise<Written<R>>

/**
 * `baseline` and `find` of a step whose API has no way to mark what it makes but its name. The baseline holds the ids of all
 * that has the name already, or may have it; what is found beyond them is ours. Put into a step with `...foundByName({…})`.
 *
 * @throws TemporaryError from `find` when nothing matches and a row cannot be read.
 */
export function foundByName<P, Before, Row, R>({ list, id, matches, made }: NameSearch<P, Before, Row, R>) {
  return {
    async baseline(api: Api, params: P, before: Before): Promise<string> {
      const all = await list(api, params, before)
      return all.flatMap((row) => (matches(row, params, before) !== false && id(row)) || []).join(' ')
    },
    async find(api: Api, params: P, before: Before, attempt: Attempt): Promise<Written<R> | null> {
      const earlier = attempt.baseline.split(' ')
      const found = findSurely(await list(api, params, before), (row) => {
        const rowId = id(row)
        const isNew = (rowId === undefined || !earlier.includes(rowId)) && matches(row, params, before)
        return isNew && rowId === undefined ? undefined : isNew
      })
      const foundId = found === null ? undefined : id(found)
      if (found === null || foundId === undefined) return null
      return await made(foundId, found, { api, params, before, attempt })
    },
  }
}

/** How many things are looked up: in a list as far as it goes, then one by one. */
export interface Lookup<T> {
  /**
   * The vendor's list, whole or page by page. Reading pages stops once fewer things are missing than pages are left. Not
   * asked for a single thing.
   */
  list(): Promise<readonly T[]> | AsyncIterable<{ items: readonly T[]; left: number }>
  id(item: T): string
  /** Reads one thing that the list did not show; null where there is no such thing. */
  one(id: string): Promise<T | null>
}

/**
 * A step's `check` for things that one list shows, all or most of them: what it lacks is read one by one, eight at a time.
 *
 * @returns what `observe` makes of each ref and its thing, or of null for a thing that is gone; in order. An error in its
 * place is that of its own reads.
 * @throws what reading the list throws.
 */
export async function lookUpEach<R, T, O>(
  refs: readonly R[],
  idOf: (ref: R) => string,
  { list, id, one }: Lookup<T>,
  observe: (ref: R, thing: T | null) => O | Promise<O>,
): Promise<(O | Error)[]> {
  const missing = new Set(refs.map(idOf))
  const found = new Map<string, T>()
  const take = (items: readonly T[]) => {
    for (const item of items) if (missing.delete(id(item))) found.set(id(item), item)
  }
  if (missing.size > 1) {
    const listed = list()
    if ('then' in listed) take(await listed)
    else
      for await (const { items, left } of listed) {
        take(items)
        if (missing.size <= left) break
      }
  }
  return await settleEach(refs, async (ref) => await observe(ref, found.get(idOf(ref)) ?? (await one(idOf(ref)))))
}
