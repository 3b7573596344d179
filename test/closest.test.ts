import { expect, it } from 'vitest'
import { closest } from '../src/closest.js'

it('finds the word that was meant, and none where none is near', () => {
  expect(closest('cpoy', ['copy', 'sync'])).toBe('copy')
  expect(closest('SYNC', ['copy', 'sync'])).toBe('sync')
  expect(closest('zzzzzz', ['copy', 'sync'])).toBeUndefined()
  expect(closest('copy', [])).toBeUndefined()
})
