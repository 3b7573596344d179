import { expect, it } from 'vitest'
import { durationAsTyped, durationInWords, parseDuration } from '../../src/lib/duration.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

it.each([
  ['30m', HOUR / 2],
  ['1h', HOUR],
  [' 7D ', 7 * DAY],
  ['3 days', 3 * DAY],
  ['1 day', DAY],
  ['2w', 14 * DAY],
  ['4 hours', 4 * HOUR],
])('reads %j', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

it.each(['', '7', 'd', '-1d', '1.5h', '7 moons', 'seven days', '1d 2h', '999999d', '7ds'.repeat(9)])(
  'reads no duration in %j',
  (text) => {
    expect(parseDuration(text)).toBeNull()
  },
)

it('says whole days in days and everything else in hours', () => {
  expect([DAY, 7 * DAY, HOUR, 36 * HOUR].map(durationInWords)).toEqual(['1 day', '7 days', '1 hour', '36 hours'])
  expect([DAY, 36 * HOUR].map(durationAsTyped)).toEqual(['1d', '36h'])
})
