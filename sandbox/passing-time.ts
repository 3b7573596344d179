/** Time that passes fast for a bot and all that it works with: for what Dolly does after hours. */
import { renameSync, writeFileSync } from 'node:fs'
import type { TimeStatus } from './slack/protocol.js'

const MINUTE_MS = 60_000
/** Dolly takes a longer gap for a time in which its machine slept, and hardly counts it. */
const LEAP_MS = 9 * MINUTE_MS
/** The demo's bot looks this often whether something is due. */
const LEAP_EVERY_MS = 1_000

export interface PassingTime {
  /** Lets this many milliseconds pass; ignored while time passes already. */
  pass(ms: number): void
  stop(): void
}

/**
 * Moves the clocks of all processes that load clock.mjs.
 *
 * @param file what SANDBOX_CLOCK names in these processes.
 * @param onChange called after every leap.
 */
export function createPassingTime(file: string, onChange: (status: TimeStatus) => void): PassingTime {
  let aheadMs = 0
  let toGoMs = 0
  let timer: NodeJS.Timeout | undefined

  function leap(): void {
    const byMs = Math.min(LEAP_MS, toGoMs)
    aheadMs += byMs
    toGoMs -= byMs
    // Renamed into place, so that nobody reads a half-written file.
    writeFileSync(`${file}.new`, `${aheadMs}`)
    renameSync(`${file}.new`, file)
    if (toGoMs === 0) stop()
    onChange({ aheadMs, toGoMs })
  }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  return {
    pass(ms) {
      if (timer) return
      toGoMs = ms
      timer = setInterval(leap, LEAP_EVERY_MS)
      onChange({ aheadMs, toGoMs })
    },
    stop,
  }
}
