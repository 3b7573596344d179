/**
 * Logs JSON lines. Every configured secret is redacted, wherever it comes from, and no request, answer or message of Slack is
 * logged.
 */
import { LogLevel, type Logger as SlackLogger } from '@slack/bolt'
import { type Logger, pino } from 'pino'
import type { Redactor } from './lib/redact.js'
import { logFields } from './log-fields.js'

const QUARTER_HOUR_MS = 15 * 60_000
/** In characters. A longer line keeps only time, level, message, and message and stack of an error. */
const MAX_LINE_LENGTH = 16_000
const MAX_PART_LENGTH = 2_000

/**
 * Each line also says which request and job it is about.
 *
 * @param redact is applied to each line before it is written.
 */
export function createLog(level: string, redact: Redactor['redact']): Logger {
  const streamWrite = (line: string) => redactLine(bounded(line, redact), redact)
  return pino({ level, mixin: logFields, hooks: { streamWrite } })
}

function bounded(line: string, redact: Redactor['redact']): string {
  if (line.length <= MAX_LINE_LENGTH) return line
  const { level, time, pid, hostname, from, connection, request, job, msg, err } = JSON.parse(line)
  const about = { from, connection, request, job, msg, 'err.message': err?.message, 'err.stack': err?.stack }
  const parts = Object.entries(about).flatMap(([key, value]) =>
    typeof value === 'string' ? [[key, redact(value.slice(0, MAX_PART_LENGTH), value.length > MAX_PART_LENGTH)]] : [],
  )
  const fields = { level, time, pid, hostname, ...Object.fromEntries(parts), cutFrom: line.length }
  return `${JSON.stringify(fields)}\n`
}

/** If redacting the whole line broke its JSON, because a secret looks like syntax, redacts its strings one by one. */
function redactLine(line: string, redact: (text: string) => string): string {
  const clean = redact(line)
  if (clean === line || isJson(clean)) return clean
  return `${JSON.stringify(JSON.parse(line, (_key, value) => (typeof value === 'string' ? redact(value) : value)))}\n`
}

function isJson(line: string): boolean {
  try {
    // An empty entry is an empty line.
    JSON.parse(line.trim() || 'null')
    return true
  } catch {
    return false
  }
}

/**
 * Warns about what only the operator of a connection can fix, at most once in a quarter of an hour per connection: jobs may
 * fail every few seconds for hours.
 *
 * @param elapsed monotonic milliseconds.
 */
export function throttledPerConnection(
  log: Pick<Logger, 'warn'>,
  elapsed: () => number,
): (connection: string, reason: string) => void {
  const loggedAt = new Map<string, number>()
  return (connection, reason) => {
    if (elapsed() - (loggedAt.get(connection) ?? Number.NEGATIVE_INFINITY) < QUARTER_HOUR_MS) return
    loggedAt.set(connection, elapsed())
    log.warn({ connection, reason }, 'a connection was refused; its operator must act')
  }
}

/**
 * A log line of Slack's libraries without its payload, which may hold requests, messages or tokens. It follows the first
 * colon, as in "http request body: {…}" and "ack() call begins (body: …)".
 */
function withoutPayload(words: string): string {
  return words.replace(/( \([^():]*)?:.*$/s, '')
}

/**
 * Adapts the log for Bolt and Slack's other libraries. They log payloads only at debug, except what a parser did not
 * understand.
 *
 * @param explain rewrites a line so that it tells an operator what to do.
 */
export function slackLogger(log: Logger, explain: (words: string) => string = (words) => words): SlackLogger {
  const child = log.child({ from: 'slack' })
  const all = (parts: unknown[]) => parts.map((part) => (part instanceof Error ? part.message : String(part))).join(' ')
  const words = (parts: unknown[]) => {
    const text = explain(all(parts))
    return text.includes('is not valid JSON') ? withoutPayload(text) : text
  }
  return {
    debug: (...parts) => child.debug(withoutPayload(all(parts))),
    info: (...parts) => child.info(words(parts)),
    warn: (...parts) => child.warn(words(parts)),
    error: (...parts) => child.error(words(parts)),
    setLevel: () => undefined,
    getLevel: () => LogLevel.INFO,
    setName: () => undefined,
  }
}
