/** Lists in statements come in few lengths. */
import { expect, it } from 'vitest'
import { padded } from '../../src/store/padded.js'

it.each([
  [[], []],
  [[1], [1]],
  [
    [1, 2],
    [1, 2],
  ],
  [
    [1, 2, 3],
    [1, 2, 3, 3],
  ],
  [
    [1, 2, 3, 4, 5],
    [1, 2, 3, 4, 5, 5, 5, 5],
  ],
])('%j becomes %j', (items, expected) => {
  expect(padded(items)).toEqual(expected)
})
