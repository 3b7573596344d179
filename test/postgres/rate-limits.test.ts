/** Slack counts the messages of all processes together, so they share one count. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSharedRateLimiter } from '../../src/store/rate-limits.js'
import { testContext } from '../helpers/context.js'
import { dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'
import { openReplicas, type Replica } from '../helpers/replicas.js'
import { notifierOf } from '../helpers/sender.js'
import { strictSlack } from '../helpers/strict-slack.js'

describe('three processes that write to one channel', () => {
  let now: number
  let replicas: readonly Replica[]
  let close: () => Promise<void>
  beforeEach(async () => {
    now = Date.parse('2026-01-01T00:00:00Z')
    ;({ replicas, close } = await openReplicas(3, () => now))
  })
  afterEach(async () => await close())

  it('bring 24 jobs to their ends without one answer of 429, each message once', async () => {
    const clock = () => now
    const slack = strictSlack(clock)
    const world = dummyWorld()
    const connection = dummyConnection(world)
    const processes = await Promise.all(
      replicas.map(async ({ db, membership }) => {
        const connections = new Map([[connection.name, connection]])
        const context = await testContext({ db, membership, connections, now: clock, elapsed: clock })
        const notifier = notifierOf(context, slack.chat, undefined, clock, createSharedRateLimiter(db, clock))
        return { context, notifier }
      }),
    )
    const [first] = processes
    if (!first) throw new Error('There are three.')
    for (let job = 0; job < 24; job += 1) await first.context.ask({ mentionOnSuccess: true })
    world.observation = { phase: 'done' }

    const pending = async () =>
      await first.context.db.selectFrom('events').select('jobId').where('notifiedAt', 'is', null).execute()
    while ((await pending()).length > 0) {
      await Promise.all(processes.map(async ({ context }) => await context.runUntilIdle()))
      await Promise.all(
        processes.map(async ({ notifier }) => {
          while (await notifier.run());
        }),
      )
      now += 500
    }
    expect(slack.refusals).toEqual([])
    const roots = slack.messages().filter(({ threadTs }) => threadTs === undefined)
    expect(roots).toHaveLength(24)
    for (const { ts, text } of roots) {
      expect(text).toContain('is running (')
      expect(slack.thread(ts).filter((reply) => reply.text.includes('is running after'))).toHaveLength(1)
    }
  })

  it('take no more calls than a limit allows, when they ask at the same moment', async () => {
    const limits = [
      { name: 'post C1', perMinute: 60, burst: 4 },
      { name: 'post', perMinute: 240, burst: 20 },
    ]
    const limiters = replicas.map(({ db }) => createSharedRateLimiter(db, () => now))
    for (const expected of [4, 1, 1]) {
      const waits = await Promise.all(
        Array.from({ length: 12 }, async (_, call) => await limiters[call % 3]?.take(limits, 'C1')),
      )
      expect(waits.filter((ms) => ms === 0)).toHaveLength(expected)
      now += 1_000
    }
  })
})
