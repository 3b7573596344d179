/** Reading many things: a list to its end, or one request for each of several. */
import { z } from 'zod'
import { ConnectionError, TemporaryError, UnreadableListError } from '../errors.js'
import type { Api } from './provider.js'

/**
 * Limits for one list: nobody chooses from more, and an endless one must not block anything. Characters are those of its rows
 * as JSON; `ms` is checked before each page but the first.
 */
export const listLimits = { pages: 200, rows: 10_000, characters: 4_000_000, ms: 30_000 } as const

/** A part of a list, and what asks for the next part; undefined after the last. */
export interface Part<Next> {
  items: readonly unknown[]
  next: Next | undefined
  /** Other rows in the same answer. */
  beside?: readonly unknown[]
}

/**
 * Reads a list part by part to its end, however the vendor names the next part.
 *
 * @param elapsed monotonic milliseconds.
 * @throws UnreadableListError for a list beyond the limits, or in which a part comes again. A list is never cut short: what is
 * missing from it would count as absent.
 */
export async function* eachPart<Next, P extends Part<Next>>(
  first: NoInfer<Next>,
  read: (at: Next) => Promise<P>,
  elapsed: () => number = monotonic,
): AsyncGenerator<P> {
  const until = elapsed() + listLimits.ms
  /** Page numbers, by what asked for the page and by what was in it. */
  const asked = new Map<string, number>()
  const held = new Map<string, number>()
  let [rows, characters] = [0, 0]
  for (let page = 1, next: Next | undefined = first; next !== undefined; page += 1) {
    refuseRepeated(asked, JSON.stringify(next), page)
    if (page > listLimits.pages)
      throw new UnreadableListError(`The provider's list has more than ${listLimits.pages} pages.`)
    if (page > 1 && elapsed() > until) {
      throw new UnreadableListError(`Reading the provider's list takes more than ${listLimits.ms / 1000} s.`)
    }
    const part: P = await read(next)
    const text = JSON.stringify(part.items)
    rows += part.items.length
    characters += text.length + (part.beside ? JSON.stringify(part.beside).length : 0)
    if (rows > listLimits.rows) throw new UnreadableListError(tooManyRows)
    if (characters > listLimits.characters) {
      throw new UnreadableListError(
        `The provider's list has more than ${listLimits.characters / 1e6} million characters.`,
      )
    }
    if (part.items.length > 0) refuseRepeated(held, text, page)
    yield part
    next = part.next
  }
}

export const tooManyRows = `The provider's list has more than ${listLimits.rows.toLocaleString('en')} entries.`

function refuseRepeated(seen: Map<string, number>, key: string, page: number): void {
  const earlier = seen.get(key)
  if (earlier !== undefined)
    throw new UnreadableListError(`The provider's list doesn't end: page ${earlier} came again.`)
  seen.set(key, page)
}

const monotonic = () => performance.now()

/** One page of a vendor's list, and how many pages there are. */
export interface Page<T> {
  items: T[]
  pages: number
}

/** Page after page, from 1, each with the number of pages left after it. Bounds and errors as for `eachPart`. */
export async function* eachPage<T>(read: (page: number) => Promise<Page<T>>, elapsed: () => number = monotonic) {
  let announced = 0
  const numbered = async (page: number) => {
    if (announced > listLimits.pages)
      throw new UnreadableListError(`The provider's list has more than ${listLimits.pages} pages.`)
    const { items, pages } = await read(page)
    if (!Number.isSafeInteger(pages) || pages < Math.sign(items.length)) {
      throw new UnreadableListError(`The provider says that its list has ${pages} pages.`)
    }
    announced = pages
    // A list that shrinks while it's read ends with an empty page.
    const left = items.length > 0 ? Math.max(pages - page, 0) : 0
    return { items, left, next: left > 0 ? page + 1 : undefined }
  }
  for await (const { items, left } of eachPart(1, numbered, elapsed)) yield { items, left }
}

export async function allItems<T>(pages: AsyncIterable<{ items: readonly T[] }>): Promise<T[]> {
  const all: T[] = []
  for await (const { items } of pages) all.push(...items)
  return all
}

/**
 * A list in which one odd row hides no other: rows of another shape are left out, and counted. Don't conclude from it that
 * something is absent, since it may have been left out: use z.array for that.
 */
export function rows<T>(api: Pick<Api, 'reportSkipped'>, row: z.ZodType<T>): z.ZodType<T[]> {
  return z.array(z.unknown()).transform((all) => {
    const parsed = all.map((one) => row.safeParse(one))
    const [odd, ...others] = parsed.flatMap(({ error }) => error?.issues[0] ?? [])
    if (odd) api.reportSkipped?.(others.length + 1, `${odd.path.map(String).join('.')}: ${odd.code}`)
    return parsed.flatMap(({ success, data }) => (success ? [data] : []))
  })
}

/**
 * What `work` makes of each item, eight at a time and in order, or the error in its place: one unreadable item must not block
 * polling the others. If the provider answers none of eight, the rest aren't asked and get the last error.
 */
export async function settleEach<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<(R | Error)[]> {
  const done: (R | Error)[] = []
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const some = await Promise.all(items.slice(at, at + AT_ONCE).map((item) => work(item).catch(asError)))
    done.push(...some)
    const last = some.at(-1)
    if (some.length === AT_ONCE && some.every(isEverybodys) && last instanceof Error)
      return items.map((_, index) => done[index] ?? last)
  }
  return done
}

/** What `work` makes of each item, eight at a time and in order. Throws the first error. */
export async function mapEach<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  return (await settleEach(items, work)).map((one) => {
    if (one instanceof Error) throw one
    return one
  })
}

const AT_ONCE = 8
/** Whether all other requests would likely fail too: no answer, or our credentials were refused. */
const isEverybodys = (one: unknown) =>
  one instanceof TemporaryError || (one instanceof ConnectionError && one.status === 401)
const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))

/**
 * The row that fits, or null if surely none does. `fits` answers undefined for a row that can't be read: it may be the one.
 *
 * @throws TemporaryError if no row fits and one can't be read.
 */
export function findSurely<T>(rows: readonly T[], fits: (row: T) => boolean | undefined): T | null {
  const answers = rows.map(fits)
  const found = rows[answers.indexOf(true)]
  if (found !== undefined) return found
  if (!answers.includes(undefined)) return null
  const message = "A row of the provider's list can't be read, and it may be the one that is needed."
  throw new TemporaryError(message, { mayHaveHappened: false })
}
