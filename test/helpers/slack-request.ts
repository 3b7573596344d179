/** Requests with a signature like Slack's. */
import { createHmac } from 'node:crypto'
import { type Logger, LogLevel } from '@slack/bolt'

export const quietLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => LogLevel.ERROR,
  setName: () => {},
}

/** Headers as if Slack had signed this body at this time (milliseconds). */
export function signed(body: string, secret: string, atMs = Date.now()): Record<string, string> {
  const stamp = Math.floor(atMs / 1000)
  const hash = createHmac('sha256', secret).update(`v0:${stamp}:${body}`).digest('hex')
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': `${stamp}`,
    'x-slack-signature': `v0=${hash}`,
  }
}
