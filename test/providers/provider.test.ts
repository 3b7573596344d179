import { expect, test } from 'vitest'
import { ConnectionError, TemporaryError } from '../../src/errors.js'
import { settleEach } from '../../src/providers/provider.js'

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
