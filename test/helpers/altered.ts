/** Answers of a provider that are changed on their way to the client, and the odd rows that vendors send on a bad day. */
import { z } from 'zod'
import { TemporaryError } from '../../src/errors.js'
import type { Api } from '../../src/providers/provider.js'

type Row = Record<string, unknown>

/** A client that reads what `change` makes of each answer; what then has another shape fails as it does in http.ts. */
export function altered(api: Api, change: (body: unknown, path: string) => unknown): Api {
  return {
    ...api,
    async get(path, schema, options) {
      const parsed = schema.safeParse(change(await api.get(path, z.unknown(), options), path))
      if (parsed.success) return parsed.data
      throw new TemporaryError('It was answered in an unexpected shape.', { mayHaveHappened: false })
    },
  }
}

/** A client that counts the rows that were left out of lists. */
export function counting(api: Api): Api & { skipped(): number } {
  let skipped = 0
  const reportSkipped = (rows: number) => {
    skipped += rows
  }
  return { ...api, reportSkipped, skipped: () => skipped }
}

/** What `change` makes of the rows of all lists in an answer, whether that is a list, holds some, or wraps one that does. */
export function inLists(body: unknown, change: (rows: Row[]) => unknown[]): unknown {
  if (Array.isArray(body)) return change(body)
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key,
      Array.isArray(value) || key === 'data' ? inLists(value, change) : value,
    ]),
  )
}

const each = (row: Row, value: unknown): Row => Object.fromEntries(Object.keys(row).map((key) => [key, value]))

/** Rows that no list may fall over, made from one that is well. */
export const oddRows: readonly (readonly [title: string, make: (row: Row) => unknown])[] = [
  ['null', () => null],
  ['a number', () => 7],
  ['a text', () => 'sheep'],
  ['a list', (row) => [row]],
  ['nothing', () => ({})],
  ['null in every place', (row) => each(row, null)],
  ['a number in every place', (row) => each(row, 7)],
  ['something nested in every place', (row) => each(row, { odd: [{}] })],
]

/** The same row without one of its keys, or with something else there. */
export const withKey = (key: string, value?: unknown) => (row: Row) => {
  const { [key]: _, ...others } = row
  return value === undefined ? others : { ...others, [key]: value }
}

/** What stands where a text should be. */
export const oddValues = [undefined, null, 7, { odd: true }, ['odd']]
