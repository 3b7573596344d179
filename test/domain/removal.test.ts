import { expect, it } from 'vitest'
import { canDelete } from '../../src/domain/removal.js'
import { jobIn, start } from '../helpers/job.js'

it('what a job made can be deleted once it has ended, and only once', () => {
  const made = { ref: { id: 'a' } }
  for (const state of ['succeeded', 'failed', 'timed_out', 'cancelled'] as const)
    expect(canDelete(jobIn(state, made))).toBe(true)
  expect(canDelete(jobIn('working', made))).toBe(false)
  expect(canDelete(jobIn('uncertain', made))).toBe(false)
  expect(canDelete(jobIn('succeeded', { ...made, removalJob: 'aaaaa' }))).toBe(false)
  expect(canDelete(jobIn('succeeded', { ...made, removedAt: start }))).toBe(false)
})

it('without a ref nothing is known that could be deleted', () => {
  expect(canDelete(jobIn('failed'))).toBe(false)
})

it('a job that deletes something has nothing to delete itself', () => {
  expect(canDelete(jobIn('failed', { ref: { id: 'a' }, removes: 'aaaaa' }))).toBe(false)
})
