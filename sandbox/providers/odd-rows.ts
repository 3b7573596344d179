/** Rows that can't be read, as vendors sometimes send them. */

export const ODD_ROWS = { id: 'odd-rows', label: 'Put rows of odd shapes into every list', once: false }

/** A list with such rows before and behind its own; those that have keys have the keys of its first row. */
export function withOddRows<T>(list: readonly T[]): unknown[] {
  const keys = Object.keys(list[0] ?? {})
  const nulls = Object.fromEntries(keys.map((key) => [key, null]))
  const nested = Object.fromEntries(keys.map((key) => [key, { odd: [true] }]))
  return [null, 7, nulls, ...list, 'sheep', [], {}, nested]
}

/** The same for every list that an answer holds. */
export function withOddLists(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, Array.isArray(value) ? withOddRows(value) : value]),
  )
}
