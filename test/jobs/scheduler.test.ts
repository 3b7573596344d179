import { afterEach, describe, expect, it, vi } from 'vitest'
import { Clock, type Round } from '../../src/jobs/scheduler.js'

/** A round that waits until it is let go. */
function gate() {
  const opened: (() => void)[] = []
  let runs = 0
  return {
    runs: () => runs,
    open: () => opened.shift()?.(),
    go: () => {
      runs += 1
      return new Promise<boolean>((resolve) => opened.push(() => resolve(false)))
    },
  }
}

describe('the clock', () => {
  const clocks: Clock[] = []
  const errors: unknown[] = []
  const clockOf = (go: () => Promise<boolean>) => {
    const clock = new Clock(60, [{ name: 'round', go }], (_round, error) => errors.push(error))
    clocks.push(clock)
    return clock
  }
  afterEach(async () => {
    for (const clock of clocks.splice(0)) await clock.stop(0)
  })

  it('runs a round once at a time, and once more for all who asked meanwhile', async () => {
    const round = gate()
    const clock = clockOf(round.go)
    clock.wake()
    clock.wake()
    clock.wake()
    expect(round.runs()).toBe(1)
    round.open()
    await expect.poll(round.runs).toBe(2)
    round.open()
    expect(await clock.stop(1_000)).toBe('finished')
    expect(round.runs()).toBe(2)
  })

  it('goes on as long as there is something to do', async () => {
    let left = 3
    const clock = clockOf(async () => {
      left -= 1
      return left > 0
    })
    clock.wake()
    await expect.poll(() => left).toBe(0)
  })

  it('waits for what is under way when it stops, but not for ever', async () => {
    const slow = gate()
    const clock = clockOf(slow.go)
    clock.wake()
    expect(await clock.stop(20)).toBe('cut short')

    const quick = gate()
    const other = clockOf(quick.go)
    other.wake()
    const stopped = other.stop(5_000)
    quick.open()
    expect(await stopped).toBe('finished')
    other.wake()
    expect(quick.runs()).toBe(1)
  })

  it('lets a round ask for its next go before the next tick, and forgets that when it stops', async () => {
    let runs = 0
    const clock = new Clock(
      60,
      [
        {
          name: 'round',
          go: async (_stopping, againIn) => {
            runs += 1
            againIn(5)
            return false
          },
        },
      ],
      () => {},
    )
    clock.wake()
    await expect.poll(() => runs).toBeGreaterThan(2)
    await clock.stop(1_000)
    const before = runs
    await new Promise((resolve) => setImmediate(resolve))
    expect(runs).toBe(before)
  })

  it('keeps the earliest go that a round asked for, whatever it asks for later', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      let runs = 0
      const go: Round['go'] = async (_stopping, againIn) => {
        runs += 1
        if (runs < 3) againIn(runs === 1 ? 300 : 5_000)
        return false
      }
      const clock = new Clock(60, [{ name: 'round', go }], () => {})
      clocks.push(clock)
      clock.wake()
      await vi.advanceTimersByTimeAsync(100)
      clock.wake()
      await vi.advanceTimersByTimeAsync(199)
      expect(runs).toBe(2)
      await vi.advanceTimersByTimeAsync(1)
      expect(runs).toBe(3)
    } finally {
      vi.useRealTimers()
    }
  })

  it('survives a round that breaks', async () => {
    let runs = 0
    const clock = clockOf(async () => {
      runs += 1
      throw new Error('broken')
    })
    clock.wake()
    await expect.poll(() => errors.length).toBe(1)
    clock.wake()
    await expect.poll(() => runs).toBe(2)
  })
})
