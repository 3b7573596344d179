/** The torture run of docs/torture.md, in short. */
import { expect, it } from 'vitest'
import { facts, isClean, summary } from '../../sandbox/torture/report.js'
import { torture } from '../../sandbox/torture/torture.js'

// Any seed must pass. This one has no request that is delayed for long and no wait of 15 seconds for the database.
const seed = Number(process.env.TORTURE_SEED ?? 34)

it('killed fifteen times among faults, the bot loses no job, writes nothing twice and tells each end once', async () => {
  const result = await torture({ kills: 15, seed, minutes: 4, say: () => {} })
  for (const [name, value] of facts(result)) process.stdout.write(`${name}: ${value}\n`)
  expect(isClean(result), summary(result)).toBe(true)
  expect(result.kills).toBe(15)
}, 600_000)
