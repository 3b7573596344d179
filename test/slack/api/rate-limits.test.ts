import { beforeEach, describe, expect, it } from 'vitest'
import { RateLimits } from '../../../src/slack/api/rate-limits.js'

describe('the budgets', () => {
  let now: number
  let budgets: RateLimits
  beforeEach(() => {
    now = 1_000_000
    budgets = new RateLimits(() => now)
  })

  /** How many calls are granted now, one after the other. */
  function granted(method: 'chat.postMessage' | 'chat.update', channel: string): number {
    let count = 0
    while (count < 1_000 && budgets.spend(method, channel) === 0) count += 1
    return count
  }

  it('let a channel have a burst and then a message a second, whatever others have', () => {
    expect(granted('chat.postMessage', 'C1')).toBe(4)
    expect(budgets.spend('chat.postMessage', 'C1')).toBeGreaterThan(900)
    expect(granted('chat.postMessage', 'C2')).toBe(4)
    now += 1_000
    expect(granted('chat.postMessage', 'C1')).toBe(1)
    now += 3_600_000
    expect(granted('chat.postMessage', 'C1')).toBe(4)
  })

  it('stop one channel’s posts when Slack says so, and no other’s', () => {
    budgets.pause('chat.postMessage', 'C1', 30_000)
    expect(budgets.spend('chat.postMessage', 'C1')).toBe(30_000)
    expect(granted('chat.postMessage', 'C2')).toBe(4)
    expect(granted('chat.update', 'C1')).toBe(5)
    now += 30_000
    expect(granted('chat.postMessage', 'C1')).toBe(1)
  })

  it('stop for a quarter of an hour at most, whatever Slack says', () => {
    budgets.pause('chat.postMessage', 'C1', 1_000_000_000_000)
    budgets.pause('chat.update', 'C1', 1_000_000_000_000)
    now += 15 * 60_000
    expect(granted('chat.postMessage', 'C1')).toBe(1)
    expect(granted('chat.update', 'C1')).toBe(1)
  })

  it('stop edits alone when there were too many of them', () => {
    budgets.pause('chat.update', 'C1', 30_000)
    expect(budgets.spend('chat.update', 'C2')).toBeGreaterThanOrEqual(30_000)
    expect(granted('chat.postMessage', 'C1')).toBe(4)
  })

  it('take a 429 in two channels at once for one of the whole workspace', () => {
    budgets.pause('chat.postMessage', 'C1', 30_000)
    budgets.pause('chat.postMessage', 'C2', 20_000)
    expect(budgets.spend('chat.postMessage', 'C3')).toBeGreaterThanOrEqual(20_000)
    expect(granted('chat.update', 'C3')).toBe(5)
    now += 20_000
    expect(granted('chat.postMessage', 'C3')).toBe(1)
  })

  it('never let more than fifty edits into any minute', () => {
    const times: number[] = []
    for (let passed = 0; passed < 600_000; passed += 100) {
      now += 100
      if (budgets.spend('chat.update', 'C1') === 0) times.push(now)
    }
    const inMinuteFrom = (start: number) => times.filter((time) => time >= start && time < start + 60_000).length
    expect(Math.max(...times.map(inMinuteFrom))).toBeLessThanOrEqual(50)
    expect(times.length).toBeGreaterThan(440)
  })

  it('give what is scarce to the channels in turn, however often one of them asks', () => {
    granted('chat.update', 'crowded')
    const got: string[] = []
    for (let passed = 0; passed < 20_000; passed += 500) {
      now += 500
      for (const channel of ['crowded', 'crowded', 'crowded', 'quiet']) {
        if (budgets.spend('chat.update', channel) === 0) got.push(channel)
      }
    }
    expect(got.length).toBeGreaterThan(12)
    expect(Math.abs(got.filter((channel) => channel === 'quiet').length - got.length / 2)).toBeLessThanOrEqual(1)
  })

  it('keep no turn for ever for a channel that does not come', () => {
    granted('chat.update', 'C1')
    now += 1_400
    expect(budgets.spend('chat.update', 'C2')).toBeGreaterThan(0)
    now += 10_000
    expect(budgets.spend('chat.update', 'C2')).toBe(0)
  })

  it('are dropped once they are full again, however many channels there are', () => {
    for (let channel = 0; channel < 1_000; channel += 1) {
      expect(budgets.spend('chat.postMessage', `C${channel}`)).toBe(0)
      now += 1_000
    }
    expect(budgets.size).toBeLessThan(10)
    budgets.pause('chat.postMessage', 'C1', 60_000)
    now += 59_000
    expect(budgets.spend('chat.postMessage', 'C2')).toBe(0)
    expect(budgets.spend('chat.postMessage', 'C1')).toBe(1_000)
  })

  it('count the first calls of a channel and of the workspace alike', () => {
    expect(granted('chat.postMessage', 'C1')).toBe(4)
    for (const channel of ['C2', 'C3', 'C4', 'C5']) expect(granted('chat.postMessage', channel)).toBe(4)
    expect(granted('chat.postMessage', 'C6')).toBe(0)
  })

  it('take the time that they need themselves for no reason to wait', () => {
    const hasty = new RateLimits(() => (now += 0.3))
    expect(hasty.spend('chat.postMessage', 'C1')).toBe(0)
  })
})
