/** A meter that keeps what it was told. */
import type { Meter } from '../../src/metrics/meter.js'

export interface Measured {
  what: keyof Meter
  of: unknown
  /** Milliseconds. */
  ms: number | undefined
}

export function measuringMeter(): { meter: Meter; measured: Measured[] } {
  const measured: Measured[] = []
  const note = (what: keyof Meter) => (of?: unknown, ms?: number) => void measured.push({ what, of, ms })
  const meter: Meter = {
    requested: note('requested'),
    polled: note('polled'),
    stepEnded: note('stepEnded'),
    rateLimited: note('rateLimited'),
    claimsTakenOver: note('claimsTakenOver'),
    acknowledged: note('acknowledged'),
    notified: (ms) => note('notified')(undefined, ms),
  }
  return { meter, measured }
}
