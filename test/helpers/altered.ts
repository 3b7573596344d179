/** Changes a provider's answers on their way to the client; and odd rows as vendors sometimes send them. */
import { z } from 'zod'
import { TemporaryError } from '../../src/errors.js'
import type { Api } from '../../src/providers/provider.js'

type Row = Record<string, unknown>

/** A client that applies `change` to each answer. A wrong shape then fails as it does in http.ts. */
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

/** Applies `change` to the rows of all lists in an answer, at the top, inside it, or inside its `data`. */
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

/** Odd rows that must not break a list, made from a good one. */
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

/** The same row without one of its keys, or with another value there. */
export const withKey = (key: string, value?: unknown) => (row: Row) => {
  const { [key]: _, ...others } = row
  return value === undefined ? others : { ...others, [key]: value }
}

/** Values in the place of a text. */
export const oddValues = [undefined, null, 7, { odd: true }, ['odd']]
