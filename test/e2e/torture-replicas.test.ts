/** The torture run of docs/torture.md on Postgres, in short. */
import { expect, it } from 'vitest'
import { facts, isClean, summary } from '../../sandbox/torture/report.js'
import { torture } from '../../sandbox/torture/torture.js'

// Any seed must pass. This one kills in HTTP and Socket Mode, freezes two replicas and restarts Postgres.
const seed = Number(process.env.TORTURE_SEED ?? 13141)
// They search for a lost write for 30 seconds, the others for up to two minutes.
const providers = ['hoody', 'miget', 'qovery']

it('three replicas that are killed, frozen and cut off from Postgres lose no job and write nothing twice', async () => {
  const result = await torture({ kills: 6, seed, minutes: 4, replicas: 3, providers, say: () => {} })
  for (const [name, value] of facts(result)) process.stdout.write(`${name}: ${value}\n`)
  expect(isClean(result), summary(result)).toBe(true)
  expect(result.kills).toBe(6)
}, 600_000)
