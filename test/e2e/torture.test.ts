/** The torture run of docs/torture.md, in short. */
import { expect, it } from 'vitest'
import { facts, isClean, summary } from '../../sandbox/torture/report.js'
import { torture } from '../../sandbox/torture/torture.js'

// Any seed must pass. This one also lets second processes take over, neither delays a request for long nor waits 15 seconds for
// the database.
const seed = Number(process.env.TORTURE_SEED ?? 86727)
// They search for a lost write for 30 seconds, the others for up to two minutes.
const providers = ['hoody', 'miget', 'qovery']

it('killed eight times among faults, the bot loses no job, writes nothing twice and posts each result once', async () => {
  const result = await torture({ kills: 8, seed, minutes: 4, providers, say: () => {} })
  for (const [name, value] of facts(result)) process.stdout.write(`${name}: ${value}\n`)
  expect(isClean(result), summary(result)).toBe(true)
  expect(result.kills).toBe(8)
}, 600_000)
