import { expect, test } from 'vitest'
import { settleEach } from '../../src/providers/provider.js'

test('what fails for one item holds up no other, and the order is kept', async () => {
  const work = async (item: number) => {
    if (item === 3) throw new Error('Not three.')
    return item * 2
  }
  expect(await settleEach([1, 2, 3, 4], work)).toEqual([2, 4, new Error('Not three.'), 8])
})

test('what fails for everything is not tried for all of it', async () => {
  let calls = 0
  const work = async (item: number) => {
    calls += 1
    throw new Error(`No answer for ${item}.`)
  }
  const done = await settleEach([...Array(100).keys()], work)
  expect(calls).toBe(8)
  expect(done).toHaveLength(100)
  expect(done[0]).toEqual(new Error('No answer for 0.'))
  expect(done[99]).toEqual(new Error('No answer for 7.'))
})
