/** The helpers of src/providers/lookup.ts, and how a choice is named with its place. */
import { describe, expect, test } from 'vitest'
import { TemporaryError } from '../../src/errors.js'
import { type Api, foundByName, lookUpEach, placed, UNKNOWN_PLACE } from '../../src/providers/provider.js'
import { setPicked } from '../../src/slack/form/answers.js'
import type { Field } from '../../src/slack/form/fields.js'

const unused = async (): Promise<never> => {
  throw new Error('No request is expected.')
}
const api: Api = { get: unused, post: unused, put: unused, patch: unused, delete: unused }
const attempt = { job: 'k7f3q', since: new Date(0), baseline: '', tries: 1, searchedForMs: 0, now: 0 }

interface Row {
  id?: string
  name?: string
}

describe('foundByName', () => {
  let rows: Row[] = []
  const { baseline, find } = foundByName({
    list: async () => rows,
    id: (row: Row) => row.id,
    matches: ({ name }: Row, wanted: string) => (name === undefined ? undefined : name === wanted),
    made: (id: string, _row, { attempt: { lost } }) =>
      lost?.status ? { ref: { id }, ended: 'incomplete' as const, detail: 'Settings may be missing.' } : { id },
  })

  test('finds what came to have the name after the baseline, and nothing that had it before', async () => {
    rows = [
      { id: 'a', name: 'shop' },
      { id: 'b', name: 'blog' },
    ]
    const before = await baseline(api, 'shop', null)
    expect(before).toBe('a')
    expect(await find(api, 'shop', null, { ...attempt, baseline: before })).toBeNull()
    rows = [...rows, { id: 'c', name: 'shop' }]
    expect(await find(api, 'shop', null, { ...attempt, baseline: before })).toEqual({ id: 'c' })
  })

  test('takes a row that could not be read before for an earlier one, and one that is new for a doubt', async () => {
    rows = [{ id: 'a' }]
    const before = await baseline(api, 'shop', null)
    expect(before).toBe('a')
    expect(await find(api, 'shop', null, { ...attempt, baseline: before })).toBeNull()
    for (const doubtful of [{ id: 'b' }, { name: 'shop' }, {}]) {
      rows = [{ id: 'a' }, doubtful]
      await expect(find(api, 'shop', null, { ...attempt, baseline: before })).rejects.toThrow(TemporaryError)
    }
  })

  test('lets a provider say that what it found is incomplete', async () => {
    rows = [{ id: 'c', name: 'shop' }]
    expect(await find(api, 'shop', null, { ...attempt, lost: { status: 500 } })).toMatchObject({ ended: 'incomplete' })
  })
})

describe('lookUpEach', () => {
  const asked: string[] = []
  const one = async (id: string) => {
    asked.push(id)
    if (id === 'hidden') throw new TemporaryError('Not now.', { mayHaveHappened: false })
    return id === 'gone' ? null : { id }
  }
  const id = (thing: { id: string }) => thing.id
  const seen = (ref: string, thing: { id: string } | null) => `${ref}: ${thing?.id}`
  const itself = (ref: string) => ref

  test('reads one by one what the list lacks, in order, with the error of each read in its place', async () => {
    asked.length = 0
    const list = async () => [{ id: 'b' }, { id: 'other' }]
    const answers = await lookUpEach(['hidden', 'b', 'gone', 'a', 'b'], itself, { list, id, one }, seen)
    expect(answers).toEqual([expect.any(TemporaryError), 'b: b', 'gone: undefined', 'a: a', 'b: b'])
    expect(asked).toEqual(['hidden', 'gone', 'a'])
  })

  test('stops reading pages once single reads are fewer', async () => {
    asked.length = 0
    const pages: number[] = []
    async function* list() {
      for (const page of [0, 1, 2, 3]) {
        pages.push(page)
        yield { items: [{ id: `p${page}` }], left: 3 - page }
      }
    }
    expect(await lookUpEach(['p0', 'p3', 'p1'], itself, { list, id, one }, seen)).toEqual([
      'p0: p0',
      'p3: p3',
      'p1: p1',
    ])
    expect([pages, asked]).toEqual([[0], ['p3', 'p1']])
  })

  test('reads no list for a single thing, and nothing for none', async () => {
    asked.length = 0
    expect(await lookUpEach(['a'], itself, { list: unused, id, one }, seen)).toEqual(['a: a'])
    expect(await lookUpEach([], itself, { list: unused, id, one }, seen)).toEqual([])
    expect(asked).toEqual(['a'])
  })
})

test('a choice is named with the place its list tells, and a typed one as it was typed', () => {
  const field: Field = {
    ...{ key: 'app', title: 'App', description: undefined, required: true, kind: 'picker', picker: 'apps' },
    ...{
      dependsOn: [],
      choices: [],
      initial: undefined,
      multiline: false,
      personal: false,
      suggestFrom: undefined,
      maxLength: undefined,
    },
    accepts: () => true,
  }
  const answers = { values: {}, named: {} as Record<string, string>, picked: {} }
  const pick = (option: { value: string; label: string; place?: string }) => {
    setPicked(answers, field, [option])
    return placed(answers.named, 'app')
  }
  expect(pick({ value: 'a1', label: 'shop', place: 'production' })).toBe('shop in production')
  expect(pick({ value: 'a1', label: 'shop', place: UNKNOWN_PLACE })).toBe('shop in an unknown place')
  expect(pick({ value: 'a1', label: 'a1' })).toBe('a1')
})
