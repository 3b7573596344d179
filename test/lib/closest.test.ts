import { expect, it } from 'vitest'
import { didYouMean } from '../../src/lib/closest.js'

it('asks for the word that was meant, and not at all where none is near', () => {
  expect(didYouMean('cpoy', ['copy', 'sync'])).toBe(' Did you mean "copy"?')
  expect(didYouMean('SYNC', ['copy', 'sync'], '; did')).toBe('; did you mean "sync"?')
  expect(didYouMean('zzzzzz', ['copy', 'sync'])).toBe('')
  expect(didYouMean('copy', [])).toBe('')
})
