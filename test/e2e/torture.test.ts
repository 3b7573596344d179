/** The short version of the torture run: see docs/torture.md. */
import { expect, it } from 'vitest'
import { isClean, summary } from '../../sandbox/torture/report.js'
import { torture } from '../../sandbox/torture/torture.js'

// The seed lets no clock run ahead and loses no write on its way where a provider wants a minute to be sure of that: both
// only cost time.
it('killed fifteen times among faults, the bot loses no job, writes nothing twice and tells each end once', async () => {
  const result = await torture({ kills: 15, seed: 1833, minutes: 2, say: () => {} })
  expect(isClean(result), summary(result)).toBe(true)
  expect(result.kills).toBe(15)
}, 300_000)
