/** Durations in dolly.yml, such as 30m, 4h or 2d. */
import { z } from 'zod'

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * A duration → milliseconds. `expected` says what is allowed, as in "expected a time from 5m to 7d, such as 4h".
 *
 * @param minMs and `maxMs` are both allowed.
 */
export function durationSchema(minMs: number, maxMs: number, expected: string) {
  return z.string(expected).transform((text, context) => {
    const [, number, unit] = /^(\d{1,5})\s?([mhd])$/.exec(text.trim()) ?? []
    const ms = Number(number) * unitMs(unit)
    if (ms >= minMs && ms <= maxMs) return ms
    context.addIssue({ code: 'custom', message: expected })
    return z.NEVER
  })
}

function unitMs(unit: string | undefined): number {
  return unit === 'm' || unit === 'h' || unit === 'd' ? UNITS_MS[unit] : Number.NaN
}
