/** The count of calls that processes share, by a clock that only the test moves. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRateLimits, type RateLimits } from '../../src/slack/api/rate-limits.js'
import { createSharedRateLimiter, purgeRateLimits } from '../../src/store/rate-limits.js'
import type { Database } from '../../src/store/schema.js'
import { silentLog } from '../helpers/context.js'
import { openTestDatabase } from '../helpers/database.js'

describe('the rate limits that processes share', () => {
  let db: Database
  let now: number
  let limits: RateLimits
  beforeEach(async () => {
    db = await openTestDatabase()
    now = 1_800_000_000_000
    limits = createRateLimits(
      createSharedRateLimiter(db, () => now),
      silentLog,
    )
  })
  afterEach(async () => await db.destroy())

  /** How many calls are granted now, one after the other. */
  async function granted(method: 'chat.postMessage' | 'chat.update', channel: string): Promise<number> {
    let count = 0
    while (count < 1_000 && (await limits.spend(method, channel)) === 0) count += 1
    return count
  }

  it('let a channel have a burst and then a message a second, whatever others have', async () => {
    expect(await granted('chat.postMessage', 'C1')).toBe(4)
    expect(await limits.spend('chat.postMessage', 'C1')).toBe(1_000)
    expect(await granted('chat.postMessage', 'C2')).toBe(4)
    now += 1_000
    expect(await granted('chat.postMessage', 'C1')).toBe(1)
    now += 3_600_000
    expect(await granted('chat.postMessage', 'C1')).toBe(4)
  })

  it('take nothing from a channel when the workspace allows no call', async () => {
    for (const channel of ['C1', 'C2', 'C3', 'C4', 'C5']) expect(await granted('chat.postMessage', channel)).toBe(4)
    expect(await limits.spend('chat.postMessage', 'C6')).toBe(250)
    expect(
      await db.selectFrom('rateLimits').select('name').where('name', '=', 'chat.postMessage C6').execute(),
    ).toEqual([])
  })

  it('stop one channel’s posts when Slack says so, and no other’s', async () => {
    await limits.pause('chat.postMessage', 'C1', 30_000)
    expect(await limits.spend('chat.postMessage', 'C1')).toBe(30_000)
    expect(await granted('chat.postMessage', 'C2')).toBe(4)
    now += 30_000
    expect(await granted('chat.postMessage', 'C1')).toBe(1)
  })

  it('stop for a quarter of an hour at most, whatever Slack says', async () => {
    await limits.pause('chat.update', 'C1', 1_000_000_000_000)
    expect(await limits.spend('chat.update', 'C2')).toBe(15 * 60_000)
  })

  it('take a 429 in two channels at once for one of the whole workspace', async () => {
    await limits.pause('chat.postMessage', 'C1', 30_000)
    await limits.pause('chat.postMessage', 'C2', 20_000)
    expect(await limits.spend('chat.postMessage', 'C3')).toBe(20_000)
    expect(await granted('chat.update', 'C3')).toBe(5)
    now += 20_000
    expect(await granted('chat.postMessage', 'C3')).toBe(1)
  })

  it('never let more than fifty edits into any minute', async () => {
    const times: number[] = []
    for (let passed = 0; passed < 180_000; passed += 500) {
      now += 500
      if ((await limits.spend('chat.update', 'C1')) === 0) times.push(now)
    }
    const inMinuteFrom = (start: number) => times.filter((time) => time >= start && time < start + 60_000).length
    expect(Math.max(...times.map(inMinuteFrom))).toBeLessThanOrEqual(50)
    expect(times.length).toBeGreaterThan(115)
  })

  it('hold up nothing for an hour because the clock of the database was set back by one', async () => {
    await limits.pause('chat.update', 'C1', 30_000)
    expect(await granted('chat.postMessage', 'C1')).toBe(4)
    now -= 60 * 60_000
    expect(await granted('chat.update', 'C1')).toBe(5)
    expect(await granted('chat.postMessage', 'C1')).toBe(4)
  })

  it('are forgotten once they were full for an hour', async () => {
    await limits.spend('chat.postMessage', 'C1')
    await limits.pause('chat.postMessage', 'C2', 15 * 60_000)
    now += 60 * 60_000 + 5_000
    await limits.spend('chat.postMessage', 'C3')
    await purgeRateLimits(db, now)
    const names = (await db.selectFrom('rateLimits').select('name').orderBy('name').execute()).map(({ name }) => name)
    expect(names).toEqual(['chat.postMessage', 'chat.postMessage C2', 'chat.postMessage C3'])
  })
})
