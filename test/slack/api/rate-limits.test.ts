import { beforeEach, describe, expect, it } from 'vitest'
import { InMemoryRateLimiter } from '../../../src/lib/rate-limiter.js'
import { createRateLimits, type RateLimits } from '../../../src/slack/api/rate-limits.js'
import { silentLog } from '../../helpers/context.js'

describe('the budgets', () => {
  let now: number
  let limiter: InMemoryRateLimiter
  let budgets: RateLimits
  beforeEach(() => {
    now = 1_000_000
    limiter = new InMemoryRateLimiter(() => now)
    budgets = createRateLimits(limiter, silentLog)
  })

  /** How many calls are granted now, one after the other. */
  async function granted(method: 'chat.postMessage' | 'chat.update', channel: string): Promise<number> {
    let count = 0
    while (count < 1_000 && (await budgets.spend(method, channel)) === 0) count += 1
    return count
  }

  it('let a channel have a burst and then a message a second, whatever others have', async () => {
    expect(await granted('chat.postMessage', 'C1')).toBe(4)
    expect(await budgets.spend('chat.postMessage', 'C1')).toBeGreaterThan(900)
    expect(await granted('chat.postMessage', 'C2')).toBe(4)
    now += 1_000
    expect(await granted('chat.postMessage', 'C1')).toBe(1)
    now += 3_600_000
    expect(await granted('chat.postMessage', 'C1')).toBe(4)
  })

  it('stop one channel’s posts when Slack says so, and no other’s', async () => {
    await budgets.pause('chat.postMessage', 'C1', 30_000)
    expect(await budgets.spend('chat.postMessage', 'C1')).toBe(30_000)
    expect(await granted('chat.postMessage', 'C2')).toBe(4)
    expect(await granted('chat.update', 'C1')).toBe(5)
    now += 30_000
    expect(await granted('chat.postMessage', 'C1')).toBe(1)
  })

  it('stop for a quarter of an hour at most, whatever Slack says', async () => {
    await budgets.pause('chat.postMessage', 'C1', 1_000_000_000_000)
    await budgets.pause('chat.update', 'C1', 1_000_000_000_000)
    now += 15 * 60_000
    expect(await granted('chat.postMessage', 'C1')).toBe(1)
    expect(await granted('chat.update', 'C1')).toBe(1)
  })

  it('stop edits alone when there were too many of them', async () => {
    await budgets.pause('chat.update', 'C1', 30_000)
    expect(await budgets.spend('chat.update', 'C2')).toBeGreaterThanOrEqual(30_000)
    expect(await granted('chat.postMessage', 'C1')).toBe(4)
  })

  it('take a 429 in two channels at once for one of the whole workspace', async () => {
    await budgets.pause('chat.postMessage', 'C1', 30_000)
    await budgets.pause('chat.postMessage', 'C2', 20_000)
    expect(await budgets.spend('chat.postMessage', 'C3')).toBeGreaterThanOrEqual(20_000)
    expect(await granted('chat.update', 'C3')).toBe(5)
    now += 20_000
    expect(await granted('chat.postMessage', 'C3')).toBe(1)
  })

  it('never let more than fifty edits into any minute', async () => {
    const times: number[] = []
    for (let passed = 0; passed < 600_000; passed += 100) {
      now += 100
      if ((await budgets.spend('chat.update', 'C1')) === 0) times.push(now)
    }
    const inMinuteFrom = (start: number) => times.filter((time) => time >= start && time < start + 60_000).length
    expect(Math.max(...times.map(inMinuteFrom))).toBeLessThanOrEqual(50)
    expect(times.length).toBeGreaterThan(440)
  })

  it('give what is scarce to the channels in turn, however often one of them asks', async () => {
    await granted('chat.update', 'crowded')
    const got: string[] = []
    for (let passed = 0; passed < 20_000; passed += 500) {
      now += 500
      for (const channel of ['crowded', 'crowded', 'crowded', 'quiet']) {
        if ((await budgets.spend('chat.update', channel)) === 0) got.push(channel)
      }
    }
    expect(got.length).toBeGreaterThan(12)
    expect(Math.abs(got.filter((channel) => channel === 'quiet').length - got.length / 2)).toBeLessThanOrEqual(1)
  })

  it('keep no turn for ever for a channel that does not come', async () => {
    await granted('chat.update', 'C1')
    now += 1_400
    expect(await budgets.spend('chat.update', 'C2')).toBeGreaterThan(0)
    now += 10_000
    expect(await budgets.spend('chat.update', 'C2')).toBe(0)
  })

  it('are dropped once they are full again, however many channels there are', async () => {
    for (let channel = 0; channel < 1_000; channel += 1) {
      expect(await budgets.spend('chat.postMessage', `C${channel}`)).toBe(0)
      now += 1_000
    }
    expect(limiter.size).toBeLessThan(10)
    await budgets.pause('chat.postMessage', 'C1', 60_000)
    now += 59_000
    expect(await budgets.spend('chat.postMessage', 'C2')).toBe(0)
    expect(await budgets.spend('chat.postMessage', 'C1')).toBe(1_000)
  })

  it('count the first calls of a channel and of the workspace alike', async () => {
    expect(await granted('chat.postMessage', 'C1')).toBe(4)
    for (const channel of ['C2', 'C3', 'C4', 'C5']) expect(await granted('chat.postMessage', channel)).toBe(4)
    expect(await granted('chat.postMessage', 'C6')).toBe(0)
  })

  it('take the time that they need themselves for no reason to wait', async () => {
    const hasty = createRateLimits(new InMemoryRateLimiter(() => (now += 0.3)), silentLog)
    expect(await hasty.spend('chat.postMessage', 'C1')).toBe(0)
  })
})
