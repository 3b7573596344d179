/** A provider that is down for an hour, from the machine to the thread. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TemporaryError } from '../../src/errors.js'
import { type TestHouse, testHouse } from '../helpers/house.js'
import { strictSlack } from '../helpers/strict-slack.js'
import { type Teller, tellerOf } from '../helpers/teller.js'

const minute = 60_000
const down = (mayHaveHappened: boolean) => new TemporaryError('Dummy answers 503.', { mayHaveHappened })

describe('a provider that is down for an hour', () => {
  let house: TestHouse
  let slack: ReturnType<typeof strictSlack>
  let teller: Teller

  beforeEach(async () => {
    house = await testHouse()
    slack = strictSlack(house.now)
    teller = tellerOf(house, slack.chat)
  })
  afterEach(async () => await house.db.destroy())

  async function live(ms: number): Promise<void> {
    for (const until = house.now() + ms; house.now() < until; ) {
      await house.settle()
      await teller.tellFor(1_000)
    }
  }

  const replies = () => slack.messages().filter(({ threadTs }) => threadTs !== undefined)
  const saying = (text: string) => replies().filter((reply) => reply.text.includes(text))

  it('fails no job that it was at: spaced-out looks, one note after five minutes, one when it is back', async () => {
    const { id } = await house.ask()
    await live(10_000)
    house.world.observation = down(false)
    const wentDown = house.now()
    const looks = house.world.looks
    await live(60 * minute)
    // From 3 s at first to one each 30 s.
    expect(house.world.looks - looks).toBeGreaterThan(115)
    expect(house.world.looks - looks).toBeLessThan(150)
    expect(saying('For five minutes Dummy could not be asked')).toHaveLength(1)
    expect((saying('For five minutes Dummy could not be asked')[0]?.at ?? 0) - wentDown).toBeGreaterThanOrEqual(
      5 * minute,
    )
    expect((saying('For five minutes Dummy could not be asked')[0]?.at ?? 0) - wentDown).toBeLessThan(6 * minute)
    expect((await house.job(id)).state).toBe('working')

    house.world.observation = { phase: 'working', detail: 'copying' }
    await live(minute)
    expect(saying('answers again')).toHaveLength(1)
    house.world.observation = { phase: 'done' }
    await live(minute)
    expect((await house.job(id)).state).toBe('succeeded')
    expect(replies()).toHaveLength(4)
    expect(slack.refusals).toEqual([])
  }, 60_000)

  it('fails no job whose write got lost in it, and asks no person', async () => {
    const { id } = await house.ask()
    house.world.mood = { throws: down(true), carriesOut: true }
    house.world.findThrows = down(false)
    await live(60 * minute)
    expect((await house.job(id)).state).toBe('starting')
    expect(saying('For five minutes Dummy could not be asked')).toHaveLength(1)
    house.world.findThrows = null
    await live(minute)
    expect((await house.job(id)).state).toBe('working')
    expect(house.world.made).toHaveLength(1)
    expect(saying('Nothing was sent twice')).toHaveLength(1)
    expect(replies()).toHaveLength(3)
  }, 60_000)

  it('fails no job that could not begin, and says so once', async () => {
    const { id } = await house.ask()
    for (const until = house.now() + 60 * minute; house.now() < until; ) {
      const reason = house.now() % 60_000 < 30_000 ? 'Dummy refuses connections.' : 'Dummy answers 503.'
      house.world.mood = { throws: new TemporaryError(reason, { mayHaveHappened: false }), carriesOut: false }
      await live(1_000)
    }
    expect((await house.job(id)).state).toBe('queued')
    expect(replies().map(({ text }) => text)).toEqual([expect.stringContaining('has to wait')])
    house.world.mood = 'works'
    await live(minute)
    expect((await house.job(id)).state).toBe('working')
    expect(saying('Dummy accepted')).toHaveLength(1)
  }, 60_000)
})
