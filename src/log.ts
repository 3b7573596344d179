/**
 * Logs as one JSON line each, from which every configured secret is struck out, whoever wrote it there, and in which no
 * request, answer or message of Slack stands.
 */
import { LogLevel, type Logger as SlackLogger } from '@slack/bolt'
import { type Logger, pino } from 'pino'

const quarterHourMs = 15 * 60_000

/** @param strike takes secrets out of each line before it is written. */
export function createLog(level: string, strike: (line: string) => string): Logger {
  return pino({ level, hooks: { streamWrite: strike } })
}

/**
 * What strikes these secrets out of a text, in whatever form they stand there.
 *
 * @param secrets longest first, and none so short that it would be found in times and numbers.
 */
export function striking(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.flatMap(formsOf))]
  return (text) => forms.reduce((rest, form) => rest.replaceAll(form, '••••'), text)
}

/**
 * A secret as it may stand in a line: as it is, with the escapes of JSON, in an address, and in base64, where its letters
 * depend on what stands before it, such as the user name of a Basic header.
 */
function formsOf(secret: string): string[] {
  const encoded = [0, 1, 2].map((before) => {
    const text = Buffer.from('\0'.repeat(before) + secret)
      .toString('base64')
      .replaceAll('=', '')
    // The first and the last letter are half their neighbours'.
    return text.slice(before === 0 ? 0 : before + 1, -1)
  })
  const forWeb = encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), ...encoded, ...forWeb]
}

/**
 * Warns of what only the operator of a connection can mend, once in a quarter of an hour for each of them: jobs ask again
 * every few seconds, for hours.
 *
 * @param elapsed milliseconds by a clock that nobody sets.
 */
export function seldomPerConnection(
  log: Pick<Logger, 'warn'>,
  elapsed: () => number,
): (connection: string, reason: string) => void {
  const toldAt = new Map<string, number>()
  return (connection, reason) => {
    if (elapsed() - (toldAt.get(connection) ?? Number.NEGATIVE_INFINITY) < quarterHourMs) return
    toldAt.set(connection, elapsed())
    log.warn({ connection, reason }, 'a connection was refused; its operator must act')
  }
}

/**
 * What Slack's libraries say, without what they show: whole requests, answers and messages, tokens of theirs, and what a
 * parser quotes of them. It stands behind the first colon, as in "http request body: {…}" and "ack() call begins (body: …)".
 */
function withoutPayload(words: string): string {
  return words.replace(/( \([^():]*)?:.*$/s, '')
}

/**
 * The same log for Bolt and Slack's other libraries, which have their own idea of a logger. They show payloads at debug
 * alone, but for what a parser did not understand.
 *
 * @param retold what it says, in words that tell an operator what to do.
 */
export function slackLogger(log: Logger, retold: (words: string) => string = (words) => words): SlackLogger {
  const child = log.child({ from: 'slack' })
  const all = (parts: unknown[]) => parts.map((part) => (part instanceof Error ? part.message : String(part))).join(' ')
  const words = (parts: unknown[]) => {
    const text = retold(all(parts))
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
