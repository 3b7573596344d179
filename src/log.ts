/** Logs as one JSON line each, from which every configured secret is struck out, whoever wrote it there. */
import { LogLevel, type Logger as SlackLogger } from '@slack/bolt'
import { type Logger, pino } from 'pino'

export function createLog(level: string, secrets: readonly string[]): Logger {
  // A line is JSON, in which a quote or a backslash of a secret is written differently.
  // A short value, such as a port, is no secret, and striking it would mangle times and numbers.
  const struck = secrets
    .filter((secret) => secret.length >= 8)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
  return pino({
    level,
    hooks: { streamWrite: (line) => struck.reduce((text, secret) => text.replaceAll(secret, '••••'), line) },
  })
}

/** The same log for Bolt, which has its own idea of a logger. */
export function slackLogger(log: Logger): SlackLogger {
  const child = log.child({ from: 'slack' })
  const words = (parts: unknown[]) =>
    parts.map((part) => (part instanceof Error ? part.message : String(part))).join(' ')
  return {
    debug: (...parts) => child.debug(words(parts)),
    info: (...parts) => child.info(words(parts)),
    warn: (...parts) => child.warn(words(parts)),
    error: (...parts) => child.error(words(parts)),
    setLevel: () => undefined,
    getLevel: () => LogLevel.INFO,
    setName: () => undefined,
  }
}
