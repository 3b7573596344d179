import { expect, test } from 'vitest'
import { ConnectionError, TemporaryError } from '../../src/errors.js'
import { coolify, miget, rainbond } from '../../src/providers/index.js'
import {
  mustDeleteFirst,
  type Operation,
  operationOf,
  settleEach,
  sinceLastPoll,
} from '../../src/providers/provider.js'
import { jobIn } from '../helpers/job.js'

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

const operationNamed = (...[provider, id]: Parameters<typeof operationOf>): Operation => {
  const operation = operationOf(provider, id)
  if (!operation) throw new Error(`There is no operation ${id}.`)
  return operation
}

test('what a failed try left is deleted before another one only where that would make a second thing', () => {
  const clone = operationNamed(miget, 'clone')
  const half = { step: 'clone', ref: { id: '1' }, deadlineAt: 1 }
  expect(mustDeleteFirst(clone, jobIn('failed', half))).toBe(true)
  expect(mustDeleteFirst(clone, jobIn('timed_out', half))).toBe(true)
  // Refused, so that nothing was made.
  expect(mustDeleteFirst(clone, jobIn('failed', { ...half, ref: null, deadlineAt: null }))).toBe(false)
  // A later step writes to what the first one made.
  expect(mustDeleteFirst(clone, jobIn('failed', { ...half, step: 'deploy' }))).toBe(false)
  // It is being deleted already, deletes something itself, or changed what was there before.
  expect(mustDeleteFirst(clone, jobIn('failed', { ...half, removalJob: 'aaaaa' }))).toBe(false)
  expect(mustDeleteFirst(clone, jobIn('failed', { ...half, removes: 'aaaaa' }))).toBe(false)
  const { removal: _, ...update } = clone
  expect(mustDeleteFirst(update, jobIn('failed', half))).toBe(false)
})

test('a step that can’t be repeated has what was made before it deleted, once it may have been sent', () => {
  const copy = operationNamed(rainbond, 'copy')
  const half = { step: 'copy', ref: { id: '1' }, deadlineAt: null }
  expect(mustDeleteFirst(copy, jobIn('failed', { ...half, attempt: 1 }))).toBe(true)
  expect(mustDeleteFirst(copy, jobIn('failed', { ...half, attempt: 0 }))).toBe(false)
})

test('an incomplete clone is not forgotten for a second one of its name', () => {
  const half = { step: 'clone', ref: { id: '1' }, deadlineAt: 1 }
  for (const operation of Object.values(coolify.operations))
    expect(mustDeleteFirst(operation, jobIn('failed', half))).toBe(true)
})
