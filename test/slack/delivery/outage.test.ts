/** A provider that is down for an hour, from the machine to the thread. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TemporaryError } from '../../../src/errors.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { notifierOf, type TestNotifier } from '../../helpers/sender.js'
import { strictSlack } from '../../helpers/strict-slack.js'

const minute = 60_000
const down = (mayHaveHappened: boolean) => new TemporaryError('Dummy answers 503.', { mayHaveHappened })

describe('a provider that is down for an hour', () => {
  let context: TestContext
  let slack: ReturnType<typeof strictSlack>
  let notifier: TestNotifier

  beforeEach(async () => {
    context = await testContext()
    slack = strictSlack(context.now)
    notifier = notifierOf(context, slack.chat)
  })
  afterEach(async () => await context.db.destroy())

  async function live(ms: number, stepMs = 3_000): Promise<void> {
    for (const until = context.now() + ms; context.now() < until; ) {
      await context.runUntilIdle()
      await notifier.notifyFor(stepMs, stepMs)
    }
  }

  const replies = () => slack.messages().filter(({ threadTs }) => threadTs !== undefined)
  const saying = (text: string) => replies().filter((reply) => reply.text.includes(text))

  it('fails no running job: polls further apart, one note after five minutes, one when it is back', async () => {
    const { id } = await context.ask()
    await live(10_000)
    context.world.observation = down(false)
    const wentDown = context.now()
    const { polls } = context.world
    await live(60 * minute)
    // From 3 s at first to one each 30 s.
    expect(context.world.polls - polls).toBeGreaterThan(115)
    expect(context.world.polls - polls).toBeLessThan(150)
    expect(saying("I couldn't reach Dummy for five minutes")).toHaveLength(1)
    expect((saying("I couldn't reach Dummy for five minutes")[0]?.at ?? 0) - wentDown).toBeGreaterThanOrEqual(
      5 * minute,
    )
    expect((saying("I couldn't reach Dummy for five minutes")[0]?.at ?? 0) - wentDown).toBeLessThan(6 * minute)
    expect((await context.job(id)).state).toBe('working')

    context.world.observation = { phase: 'working', detail: 'copying' }
    await live(minute)
    expect(saying('is answering again')).toHaveLength(1)
    context.world.observation = { phase: 'done' }
    await live(minute)
    expect((await context.job(id)).state).toBe('succeeded')
    expect(replies()).toHaveLength(2)
    expect(slack.refusals).toEqual([])
  }, 60_000)

  it('fails no job whose write got lost in it, and asks no person', async () => {
    const { id } = await context.ask()
    context.world.mood = { throws: down(true), carriesOut: true }
    context.world.findThrows = down(false)
    await live(60 * minute)
    expect((await context.job(id)).state).toBe('starting')
    expect(saying("I couldn't reach Dummy for five minutes")).toHaveLength(1)
    context.world.findThrows = null
    await live(minute)
    expect((await context.job(id)).state).toBe('working')
    expect(context.world.made).toHaveLength(1)
    expect(saying('Nothing was sent twice')).toHaveLength(1)
    expect(replies()).toHaveLength(2)
  }, 60_000)

  it('fails no job that could not begin, whose root alone says why', async () => {
    const { id } = await context.ask()
    for (const until = context.now() + 60 * minute; context.now() < until; ) {
      const reason = context.now() % 60_000 < 30_000 ? 'Dummy refuses connections.' : 'Dummy answers 503.'
      context.world.mood = { throws: new TemporaryError(reason, { mayHaveHappened: false }), carriesOut: false }
      await live(5_000, 5_000)
    }
    expect((await context.job(id)).state).toBe('queued')
    expect(slack.messages()[0]?.text).toMatch(/is waiting for Dummy .* Next try at/)
    context.world.mood = 'works'
    await live(minute)
    expect((await context.job(id)).state).toBe('working')
    expect(replies()).toEqual([])
  }, 60_000)
})
