import { expect, test } from 'vitest'
import { ConnectionError, TemporaryError } from '../../src/errors.js'
import { settleEach, sinceLastPoll } from '../../src/providers/provider.js'

test.each([
  ['the first poll', undefined, 0],
  ['the next one', 70_000, 30_000],
  ['one after a clock was set ahead, or Dolly was stopped for long', 100_000 - 3_600_000, 60_000],
  ['one after a clock was set back', 100_000 + 3_600_000, 0],
])('%s adds what surely passed', (_, polledAt, ms) => {
  expect(sinceLastPoll(polledAt, 100_000)).toBe(ms)
})

test('what fails for one item holds up no other, and the order is kept', async () => {
  const work = async (item: number) => {
    if (item === 3) throw new Error('Not three.')
    return item * 2
  }
  expect(await settleEach([1, 2, 3, 4], work)).toEqual([2, 4, new Error('Not three.'), 8])
})

test.each([
  [new TemporaryError('No answer.', { mayHaveHappened: false }), 8],
  [new ConnectionError('The token is refused.', { status: 401 }), 8],
  // A thing that nobody may see, however many of them there are, says nothing about the others.
  [new ConnectionError('No right to see it.', { status: 403 }), 100],
])('after eight times "%s" it takes %i tries', async (error, tries) => {
  let calls = 0
  const work = async () => {
    calls += 1
    throw error
  }
  expect(await settleEach([...Array(100).keys()], work)).toEqual(Array(100).fill(error))
  expect(calls).toBe(tries)
})
