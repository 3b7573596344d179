/** This machine's clock against Slack's, which says in each answer what time it is. */
import type { FetchFunction } from '@slack/web-api'
import type { Finding } from './finding.js'

/** From here on the operator should know, in milliseconds. */
const MAX_SKEW_MS = 60_000
/** Slack's signatures are refused from here on, in milliseconds. */
const MAX_SIGNATURE_AGE_MS = 5 * 60_000

/**
 * A fetch for Slack's client that notes the time of the answers.
 *
 * @param now milliseconds since 1970, by the clock of this machine.
 */
export function clockReader(now: () => number): { fetch: FetchFunction; skewMs(): number | undefined } {
  let skewMs: number | undefined
  return {
    fetch: async (url, init) => {
      const sentAt = now()
      const response = await fetch(url, init)
      // It has whole seconds, so it is half a second behind on average; the answer was made halfway through the call.
      const theirs = Date.parse(response.headers.get('date') ?? '') + 500
      if (!Number.isNaN(theirs)) skewMs = (sentAt + now()) / 2 - theirs
      return response
    },
    /** How far this machine's clock is ahead of Slack's, in milliseconds; undefined before an answer. */
    skewMs: () => skewMs,
  }
}

/** @param skewMs how far this machine's clock is ahead, in milliseconds; undefined if Slack didn't say what time it is. */
export function checkClock(skewMs: number | undefined, mode: 'http' | 'socket'): Finding {
  const check = 'clock'
  if (skewMs === undefined)
    return { check, result: 'warning', sentence: "Slack didn't say what time it is, so the clock wasn't checked." }
  const seconds = Math.round(Math.abs(skewMs) / 1_000)
  if (Math.abs(skewMs) < MAX_SKEW_MS)
    return { check, result: 'ok', sentence: `The clock of this machine and Slack's differ by ${seconds} s.` }
  const side = skewMs > 0 ? 'ahead of' : 'behind'
  const isTooFar = mode === 'http' && Math.abs(skewMs) >= MAX_SIGNATURE_AGE_MS
  const sentence = `The clock of this machine is ${seconds} s ${side} Slack's. Set it right with NTP: from 300 s on, requests are refused in HTTP mode.`
  return { check, result: isTooFar ? 'failed' : 'warning', sentence }
}
