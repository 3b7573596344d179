import { describe, expect, it } from 'vitest'
import { type ExpiryPolicy, NO_EXPIRY } from '../../../src/domain/expiry.js'
import { keepInput, keepNote, readKeep, readTyped } from '../../../src/slack/form/keep.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const week: ExpiryPolicy = { defaultMs: 7 * DAY, maxMs: 30 * DAY, atEnd: 'delete' }

function offered(expiry: ExpiryPolicy, typed?: string) {
  const { element } = keepInput(expiry, typed)
  if (element.type !== 'static_select') throw new Error(`It is a ${element.type}.`)
  return { all: element.options?.map(({ text }) => text.text), chosen: element.initial_option?.text.text }
}

describe('the question how long something is kept', () => {
  it('offers everything, and chooses no expiry, where the operator says nothing', () => {
    expect(offered(NO_EXPIRY)).toEqual({
      all: [
        '1 hour',
        '4 hours',
        '8 hours',
        '1 day',
        '3 days',
        '7 days',
        '14 days',
        '30 days',
        '60 days',
        '90 days',
        'No expiry',
      ],
      chosen: 'No expiry',
    })
  })

  it('ends at the longest time, and then something always expires', () => {
    const { all, chosen } = offered(week)
    expect(all).toEqual(['1 hour', '4 hours', '8 hours', '1 day', '3 days', '7 days', '14 days', '30 days'])
    expect(chosen).toBe('7 days')
  })

  it('offers what the operator or the person named besides the usual times', () => {
    expect(offered({ ...week, defaultMs: 36 * HOUR, maxMs: 10 * DAY })).toMatchObject({ chosen: '36 hours' })
    expect(offered({ ...week, maxMs: 10 * DAY }).all?.at(-1)).toBe('10 days')
    expect(offered(week, '5d')).toMatchObject({ chosen: '5 days' })
    expect(offered(week, '31d')).toMatchObject({ chosen: '7 days' })
  })

  it('says what happens at the end', () => {
    expect(JSON.stringify(keepInput(week, undefined))).toContain('When it expires, I delete it. I warn you')
    expect(JSON.stringify(keepInput(NO_EXPIRY, undefined))).toContain(
      "When it expires, I ask whether it's still needed.",
    )
  })
})

describe('the answer', () => {
  it('counts only if the form offers it', () => {
    expect(readKeep('3d', week)).toBe(3 * DAY)
    expect(readKeep('none', NO_EXPIRY)).toBeNull()
    for (const answer of ['none', '31d', '30m', '1000d', 'x', '']) expect(readKeep(answer, week)).toBeUndefined()
    expect(readKeep('91d', NO_EXPIRY)).toBeUndefined()
  })

  it('is the operator’s where nobody was asked', () => {
    expect(readKeep(undefined, week)).toBe(7 * DAY)
    expect(readKeep(undefined, NO_EXPIRY)).toBeNull()
    expect(readKeep(undefined, { ...week, defaultMs: null })).toBe(30 * DAY)
  })

  it('can be typed with the command, and a mistake is answered', () => {
    expect(readTyped('3 days', week)).toEqual({ value: '3d' })
    expect(readTyped('Never', NO_EXPIRY)).toEqual({ value: 'none' })
    expect(readTyped('soon', NO_EXPIRY)).toEqual({
      problem: 'keep can\'t be "soon". Write a time from 1h to 90d, such as 12h or 1d, or none.',
    })
    expect(readTyped('60d', week)).toEqual({
      problem: 'keep can\'t be "60d". Write a time from 1h to 30d, such as 12h or 1d.',
    })
  })
})

it('the last page says what happens at the end, and nothing where nothing ends', () => {
  expect(keepNote(7 * DAY, week)).toBe('Deleted after 7 days, unless someone extends it.')
  expect(keepNote(DAY, NO_EXPIRY)).toBe("After 1 day I ask whether it's still needed.")
  expect(keepNote(null, week)).toBe('Kept until someone deletes it.')
})
