/** Finding a thing by its name, and looking up many at once. */
import { findSurely, settleEach } from './paging.js'
import type { Api, Attempt, Written } from './provider.js'

/** How to recognise in a list what a step made, when only its name is known. */
export interface NameSearch<P, Before, Row, R> {
  /** All rows it could be among, also those that can't be read: one left out may be the one. */
  list(api: Api, params: P, before: Before): Promise<readonly Row[]>
  /** The row's id; undefined if it can't be read. */
  id(row: Row): string | undefined
  /** Whether the row has the name that these params ask for; undefined if that can't be read. */
  matches(row: Row, params: P, before: Before): boolean | undefined
  /** What the step's `run` would have answered. Also decides whether it is `incomplete`: see `attempt.lost`. */
  made(id: string, row: Row, search: { api: Api; params: P; before: Before; attempt: Attempt }): Found<R>
}
type Found<R> = Written<R> | Promise<Written<R>>

/**
 * `baseline` and `find` of a step whose API knows nothing of ours but the name. The baseline holds the ids of all that already
 * has the name, or may have it; anything else with the name is ours. Put into a step with `...foundByName({…})`.
 *
 * @throws TemporaryError from `find` if nothing matches and a row can't be read.
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

/** How to look up many things: in a list as far as it goes, then one by one. */
export interface Lookup<T> {
  /**
   * The vendor's list, whole or page by page. Pages are read until fewer things are missing than pages are left. Not asked
   * for a single thing.
   */
  list(): Promise<readonly T[]> | AsyncIterable<{ items: readonly T[]; left: number }>
  id(item: T): string
  /** Reads one thing that the list didn't show; null if it doesn't exist. */
  one(id: string): Promise<T | null>
}

/**
 * A step's `check` where one list shows all or most things: what is missing there is read one by one, eight at a time.
 *
 * @returns in order what `observe` makes of each ref and its thing, null if that is gone; or the error of its own reads.
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
