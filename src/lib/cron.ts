/** Cron expressions: what one means, and when it is due next in a time zone. The time is always an argument. */
import cron from 'node-cron'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** The longest gap between two 29ths of February. A time that isn't due within it counts as never due. */
const MAX_DAYS = 8 * 366
/** Minimum time between two runs, in minutes. */
export const MIN_MINUTES_BETWEEN = 15
/** Longer text was pasted by mistake. */
const MAX_LENGTH = 100

/** Messages show `∗` where a star would format text, and people copy it back. */
const STAR_LOOK_ALIKES = /[∗＊⁎﹡]/g

/** An expression that was checked. */
export interface Cron {
  expression: string
  /** From 1. */
  months: readonly number[]
  /** Minutes since midnight, in order. */
  times: readonly number[]
}

/** Reads an expression of five fields, or a nickname such as `@daily`; or returns a sentence saying why it can't be used. */
export function parseCron(text: string): { cron: Cron } | { problem: string } {
  const expression = text.trim().replaceAll(/\s+/g, ' ').replaceAll(STAR_LOOK_ALIKES, '*')
  const fields = expression.split(' ').length
  const isNickname = expression.startsWith('@')
  const read = expression.length > MAX_LENGTH ? undefined : cron.validateDetailed(expression)
  if (!read?.fields || !read.valid || (fields !== 5 && !isNickname)) {
    const [error] = read?.valid === false && fields === 5 ? read.errors : []
    const which = error?.value === undefined ? '' : ` "${error.value}" doesn't fit there.`
    return { problem: `That's not a cron expression.${which} ${EXAMPLE}` }
  }
  const { hour, minute, month } = read.fields
  const times = hour.flatMap((hours) => minute.map((minutes) => hours * 60 + minutes)).sort((one, other) => one - other)
  const [first = 0] = times
  const pauses = times.map((time, at) => (times[at + 1] ?? first + DAY / MINUTE) - time)
  if (Math.min(...pauses) < MIN_MINUTES_BETWEEN)
    return { problem: `That's too often: leave at least ${MIN_MINUTES_BETWEEN} minutes between two runs. ${EXAMPLE}` }
  return { cron: { expression, months: month, times } }
}

const EXAMPLE = 'Write minute, hour, day, month and weekday, such as "0 2 * * *" for every night at 02:00.'

/** The zone as Intl names it, whatever its case; undefined if there's none of this name. */
export function zoneNamed(text: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text.trim() }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

/**
 * The first time after `after` at which a cron is due; null if there's none within eight years. Both are milliseconds since
 * 1970.
 *
 * It follows the clock on the wall. A time that is skipped when clocks go forward is due once, at that moment; one that
 * comes twice when they go back is due the first time only.
 *
 * @param zone as `zoneNamed` returns it.
 */
export function nextRun({ expression, months, times }: Cron, zone: string, after: number): number | null {
  const clock = wallClock(zone)
  // In UTC, because it is asked about days and not about moments.
  const days = cron.createTask(expression, () => {}, { timezone: 'UTC' })
  try {
    const [first = 0] = times
    const isDue = (day: number) =>
      months.includes(new Date(day).getUTCMonth() + 1) && days.match(new Date(day + first * MINUTE))
    // The day before too: a whole day can be skipped, where a zone changed sides of the date line.
    const since = Math.floor((after + clock.offsetAt(after)) / DAY) - 1
    for (let day = since * DAY; day < (since + MAX_DAYS) * DAY; day += DAY) {
      if (!isDue(day)) continue
      for (const time of times) {
        const moment = clock.momentOf(day + time * MINUTE)
        if (moment > after) return moment
      }
    }
    return null
  } finally {
    // node-cron keeps a list of all tasks.
    void days.destroy()
  }
}

/**
 * The last time at which a cron was due that is neither before `from` nor after `until`, whatever lies between the two; null
 * if there's none.
 */
export function lastRun(cron: Cron, zone: string, from: number, until: number): number | null {
  for (let backMs = MIN_MINUTES_BETWEEN * MINUTE; ; backMs *= 2) {
    const since = Math.max(until - backMs, from - 1)
    let last = nextRun(cron, zone, since)
    if (last !== null && last <= until) {
      // Few steps: there was none in the later half of this time.
      for (let next: number | null = last; next !== null && next <= until; next = nextRun(cron, zone, next)) last = next
      return last
    }
    if (since < from) return null
  }
}

/** A date in a zone as eight digits, such as 20261130. `at` is milliseconds since 1970. */
export function dateDigits(at: number, zone: string): string {
  return new Date(at + wallClock(zone).offsetAt(at)).toISOString().slice(0, 10).replaceAll('-', '')
}

/** What clocks show in a zone. Wall times are the milliseconds that UTC has when its clocks show the same. */
function wallClock(timeZone: string) {
  const format = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  /** How far clocks are ahead of UTC at this moment, in milliseconds. */
  function offsetAt(moment: number): number {
    const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000
  }
  /** The first moment at which clocks show this time, or go past it. */
  function momentOf(wall: number): number {
    const [before, after] = [offsetAt(wall - DAY), offsetAt(wall + DAY)]
    const found = [wall - before, wall - after].filter((moment) => moment + offsetAt(moment) === wall)
    if (found.length > 0) return Math.min(...found)
    // Clocks went forward past it: the moment when the offset changes.
    let [early, late] = [wall - DAY, wall + DAY]
    while (late - early > 1000) {
      const middle = Math.floor((early + late) / 2000) * 1000
      if (offsetAt(middle) === before) early = middle
      else late = middle
    }
    return late
  }
  return { offsetAt, momentOf }
}
