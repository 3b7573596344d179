/** Durations as people write them, such as 4h or 7d, and as they read them. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const UNITS_MS = new Map([
  ['m', MINUTE],
  ['min', MINUTE],
  ['minute', MINUTE],
  ['h', HOUR],
  ['hour', HOUR],
  ['d', DAY],
  ['day', DAY],
  ['w', 7 * DAY],
  ['week', 7 * DAY],
])

/** `30m`, `4h`, `7d`, `2w` or `3 days` in milliseconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const [, number = '', unit = ''] = /^(\d{1,5})\s?(\p{L}{1,7})$/u.exec(text.trim().toLowerCase()) ?? []
  const unitMs = UNITS_MS.get(unit) ?? UNITS_MS.get(unit.replace(/s$/, ''))
  return unitMs === undefined ? null : Number(number) * unitMs
}

/** In whole days where it is that, else in hours: "7 days", "36 hours". */
export function durationInWords(ms: number): string {
  const [count, unit] = ms % DAY === 0 ? [ms / DAY, 'day'] : [Math.round(ms / HOUR), 'hour']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** As people write it: `7d`, `36h`. */
export function durationAsTyped(ms: number): string {
  return ms % DAY === 0 ? `${ms / DAY}d` : `${Math.round(ms / HOUR)}h`
}
