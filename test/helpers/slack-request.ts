/** Requests as Slack signs them, made by hand. */
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

/** Headers of a body that Slack would have signed at this time, in milliseconds. */
export function signed(body: string, secret: string, atMs = Date.now()): Record<string, string> {
  const stamp = Math.floor(atMs / 1000)
  const hash = createHmac('sha256', secret).update(`v0:${stamp}:${body}`).digest('hex')
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': `${stamp}`,
    'x-slack-signature': `v0=${hash}`,
  }
}
