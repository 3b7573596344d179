/** When a cron is due next, in zones whose clocks change. */
import cron from 'node-cron'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../sandbox/torture/random.js'
import { type Cron, dateDigits, lastRun, nextRun, parseCron, zoneNamed } from '../../src/lib/cron.js'

function cronOf(text: string): Cron {
  const read = parseCron(text)
  if ('problem' in read) throw new Error(read.problem)
  return read.cron
}

/** The next so many times after a moment, in UTC. */
function nextRuns(text: string, zone: string, after: string, count = 3): string[] {
  const times: string[] = []
  for (let at = Date.parse(after); times.length < count; ) {
    const next = nextRun(cronOf(text), zone, at)
    if (next === null) break
    times.push(new Date(next).toISOString().slice(0, 16))
    at = next
  }
  return times
}

it.each(['0 2 ∗ ∗ 1-5', '0 2 ＊ ＊ 1-5', '0 2 ⁎ ﹡ 1-5'])('a cron copied from a message, %s, has stars', (copied) => {
  expect(cronOf(copied).expression).toBe('0 2 * * 1-5')
})

describe('the next run', () => {
  it('is at the same time on the wall before and after clocks change', () => {
    expect(nextRuns('0 2 * * *', 'UTC', '2026-01-01T00:00Z', 2)).toEqual(['2026-01-01T02:00', '2026-01-02T02:00'])
    expect(nextRuns('0 5 * * *', 'Europe/Berlin', '2026-03-28T00:00Z')).toEqual([
      '2026-03-28T04:00',
      '2026-03-29T03:00',
      '2026-03-30T03:00',
    ])
  })

  it('is strictly later than the moment that is asked about', () => {
    expect(nextRuns('0 2 * * *', 'UTC', '2026-01-01T02:00Z', 1)).toEqual(['2026-01-02T02:00'])
    expect(nextRuns('0 2 * * *', 'UTC', '2026-01-01T01:59:59.999Z', 1)).toEqual(['2026-01-01T02:00'])
  })

  it('is at the change, once, where clocks skip the time', () => {
    // 02:00 becomes 03:00.
    expect(nextRuns('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', 2)).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ])
    expect(nextRuns('*/15 2 * * *', 'Europe/Berlin', '2026-03-29T00:00Z', 2)).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:00',
    ])
    expect(nextRuns('30 2 * * *', 'America/New_York', '2026-03-08T00:00Z', 2)).toEqual([
      '2026-03-08T07:00',
      '2026-03-09T06:30',
    ])
    // 02:00 becomes 02:30.
    expect(nextRuns('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z', 2)).toEqual([
      '2026-10-03T15:30',
      '2026-10-04T15:15',
    ])
  })

  it('comes the first time only where clocks show the time twice', () => {
    expect(nextRuns('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', 2)).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ])
    expect(nextRuns('30 1 * * *', 'America/New_York', '2026-11-01T00:00Z', 2)).toEqual([
      '2026-11-01T05:30',
      '2026-11-02T06:30',
    ])
    // 02:00 becomes 01:30.
    expect(nextRuns('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T12:00Z', 2)).toEqual([
      '2026-04-04T14:45',
      '2026-04-05T15:15',
    ])
  })

  it('keeps to days of the month, months and weekdays', () => {
    expect(nextRuns('0 3 * * 1-5', 'Europe/Berlin', '2026-11-27T12:00Z', 2)).toEqual([
      '2026-11-30T02:00',
      '2026-12-01T02:00',
    ])
    expect(nextRuns('0 0 29 2 *', 'UTC', '2096-03-01T00:00Z', 1)).toEqual(['2104-02-29T00:00'])
    expect(nextRuns('0 0 L * *', 'UTC', '2026-02-01T00:00Z', 2)).toEqual(['2026-02-28T00:00', '2026-03-31T00:00'])
    expect(nextRuns('@daily', 'UTC', '2026-02-01T00:00Z', 1)).toEqual(['2026-02-02T00:00'])
  })

  it('is none for a day that does not come within eight years', () => {
    expect(nextRun(cronOf('0 0 29 2 1'), 'UTC', 0)).toBeNull()
  })

  it('happens on the other side of the date line, where a whole day was skipped', () => {
    expect(nextRuns('0 12 * * *', 'Pacific/Apia', '2011-12-29T12:00Z', 3)).toEqual([
      '2011-12-29T22:00',
      '2011-12-30T10:00',
      '2011-12-30T22:00',
    ])
  })

  it('leaves no task behind in node-cron', () => {
    nextRun(cronOf('0 2 * * *'), 'UTC', 0)
    expect(cron.getTasks().size).toBe(0)
  })
})

/** What clocks show, to the minute. */
function wallOf(at: number, timeZone: string): string {
  const options = { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' } as const
  return new Intl.DateTimeFormat('en-GB', options).format(at)
}

describe('in every zone whose clocks change, in any year', () => {
  const [from, until] = [Date.parse('2020-01-01T00:00Z'), Date.parse('2035-01-01T00:00Z')]
  /** Zones, moments and times of day, the same in each run; half of them near a change of clocks. */
  const samples = Array.from({ length: 300 }, (_, seed) => {
    const random = createRandom(seed)
    const zone = random.pick(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'])
    const [hour, minute] = [random.chance(0.5) ? random.between(0, 3) : random.between(0, 23), random.between(0, 59)]
    const anywhere = random.between(from, until)
    const start = random.chance(0.5) ? anywhere : changeAfter(anywhere, zone) - random.between(0, 50 * 3_600_000)
    return { zone, start, hour, minute, part: random.next() }
  })

  it('a daily time comes once on each day, as clocks show it unless they skipped it', () => {
    const moved = samples.filter(({ zone, start, hour, minute }) => {
      const cron = cronOf(`${minute} ${hour} * * *`)
      const wanted = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`
      const first = nextRun(cron, zone, start) ?? 0
      const second = nextRun(cron, zone, first) ?? 0
      expect(first).toBeGreaterThan(start)
      expect(dateDigits(second, zone)).not.toBe(dateDigits(first, zone))
      expect((second - first) / 3_600_000).toBeGreaterThanOrEqual(22.5)
      expect((second - first) / 3_600_000).toBeLessThanOrEqual(25.5)
      const shown = wallOf(first, zone)
      if (shown === wanted) return false
      expect([wallOf(first - 60_000, zone) < wanted, wanted < shown], `${wanted} came at ${shown}`).toEqual([
        true,
        true,
      ])
      return true
    })
    expect(moved.length, 'times that clocks skipped').toBeGreaterThan(2)
  })

  it('the same next run is found from any moment before it', () => {
    for (const { zone, start, hour, minute, part } of samples) {
      const cron = cronOf(`${minute} ${hour} * * *`)
      const next = nextRun(cron, zone, start) ?? 0
      expect(nextRun(cron, zone, Math.floor(start + (next - 1 - start) * part))).toBe(next)
    }
  })
})

/** The first day after a moment, to the hour, on which the clocks of a zone change. */
function changeAfter(moment: number, zone: string): number {
  let at = moment
  while (wallOf(at, zone) === wallOf(at + 86_400_000, zone)) at += 86_400_000
  return at + 86_400_000
}

describe('an expression', () => {
  it.each(['', '* * *', '0 25 * * *', '0 0 0 1 1 1', 'every night', `0 2 * * ${'1,'.repeat(200)}1`, '@never'])(
    'is refused if it is none: %j',
    (text) => {
      expect(parseCron(text)).toEqual({
        problem: expect.stringMatching(/^That's not a cron expression\..* "0 2 \* \* \*"/),
      })
    },
  )

  it.each(['* * * * *', '*/10 * * * *', '0,50 * * * *', '0,5 2 * * *'])(
    'is refused if it is due too often: %s',
    (text) => {
      expect(parseCron(text)).toEqual({ problem: expect.stringContaining('at least 15 minutes') })
    },
  )

  it.each(['*/15 * * * *', '@hourly', '0  2 * * 1', ' 0 2 * * mon '])('is taken: %j', (text) => {
    expect(parseCron(text)).toHaveProperty('cron')
  })
})

it('the last run that was missed is found however long ago the first one was', () => {
  const last = (text: string, from: string, until: string) => {
    const found = lastRun(cronOf(text), 'Europe/Berlin', Date.parse(from), Date.parse(until))
    return found === null ? null : new Date(found).toISOString().slice(0, 16)
  }
  expect(last('0 2 * * *', '2026-01-01T01:00Z', '2026-01-01T01:00Z')).toBe('2026-01-01T01:00')
  expect(last('0 2 * * *', '2026-01-01T01:00Z', '2026-01-05T00:59Z')).toBe('2026-01-04T01:00')
  expect(last('*/15 * * * *', '2024-01-01T00:00Z', '2026-01-05T00:59Z')).toBe('2026-01-05T00:45')
  expect(last('0 0 1 1 *', '2020-01-01T00:00Z', '2026-06-01T00:00Z')).toBe('2025-12-31T23:00')
  expect(last('0 2 * * *', '2026-01-01T01:01Z', '2026-01-01T12:00Z')).toBeNull()
})

it('a zone is known by its name in any case', () => {
  expect(zoneNamed('europe/berlin')).toBe('Europe/Berlin')
  expect(zoneNamed('utc')).toBe('UTC')
  expect(zoneNamed('Mars/Olympus')).toBeUndefined()
  expect(dateDigits(Date.parse('2026-11-30T23:30Z'), 'Europe/Berlin')).toBe('20261201')
})
