/** The short version of the torture run: see docs/torture.md. */
import { expect, it } from 'vitest'
import { facts, isClean, summary } from '../../sandbox/torture/report.js'
import { torture } from '../../sandbox/torture/torture.js'

// Any seed must do; some take long, for providers make us wait for the fate of a lost write.
const seed = Number(process.env.TORTURE_SEED ?? 11)

it('killed fifteen times among faults, the bot loses no job, writes nothing twice and tells each end once', async () => {
  const result = await torture({ kills: 15, seed, minutes: 4, say: () => {} })
  for (const [name, value] of facts(result)) process.stdout.write(`${name}: ${value}\n`)
  expect(isClean(result), summary(result)).toBe(true)
  expect(result.kills).toBe(15)
}, 600_000)
