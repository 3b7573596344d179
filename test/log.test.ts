import { describe, expect, it } from 'vitest'
import { createRedactor, type Redactor } from '../src/lib/redact.js'
import { createLog, slackLogger, throttledPerConnection } from '../src/log.js'
import { withLogFields, withoutLogFields } from '../src/log-fields.js'

const secret = 'wool/"of"\\the+sheep=4711'

/** The lines of a log that prints nothing. */
function linesOf(redact: Redactor['redact'], write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = []
  const log = createLog('trace', (line, isCut) => {
    const clean = redact(line, isCut)
    if (!line.endsWith('\n')) return clean
    lines.push(clean)
    return ''
  })
  write(log)
  return lines
}

it('a line that is too long becomes a short one that still tells when, where and what', () => {
  const { redact } = createRedactor([secret])
  const words = `${'wool '.repeat(397)}abc${secret}${'x'.repeat(1_000_000)}`
  const [line = '', ...others] = linesOf(redact, (log) =>
    log.child({ connection: 'hoody' }).error({ err: new Error(words), list: Array(5_000).fill('wool') }, words),
  )
  expect(others).toEqual([])
  expect(line.length).toBeLessThan(16_000)
  expect(line).not.toContain(secret.slice(0, 6))
  const { level, time, msg, ...rest } = JSON.parse(line)
  expect({ level, time: typeof time }).toEqual({ level: 50, time: 'number' })
  expect(msg).toMatch(/^wool wool .*abc••••$/)
  expect(rest).toMatchObject({ connection: 'hoody', 'err.message': msg })
  expect(rest.cutFrom).toBeGreaterThan(1_000_000)
})

it('each line says which request and job it is about, also after an await and from the libraries, but not of work for all', async () => {
  const { redact } = createRedactor([])
  const lines: string[] = []
  const log = createLog('trace', (line, isCut) => {
    if (!line.endsWith('\n')) return redact(line, isCut)
    lines.push(line)
    return ''
  })
  log.info('before')
  await withLogFields({ request: 'r1' }, async () => {
    log.info('asked')
    await withLogFields({ job: 'k7f3q' }, async () => {
      await Promise.resolve()
      slackLogger(log).warn('slow')
      log.info({ job: 'other' }, 'about another one')
      withoutLogFields(() => log.info('woken'))
    })
    log.info('y'.repeat(20_000))
  })
  log.info('after')
  const fields = lines.map((line) => {
    const { request, job } = JSON.parse(line)
    return [request, job]
  })
  const none = [undefined, undefined]
  expect(fields).toEqual([none, ['r1', undefined], ['r1', 'k7f3q'], ['r1', 'other'], none, ['r1', undefined], none])
})

describe('what Slack says', () => {
  /** The words that the log then has, none where it has no line. */
  function logged(level: 'debug' | 'info' | 'warn' | 'error', ...parts: unknown[]): string {
    const lines: string[] = []
    // What it would print is kept here, and nothing of it printed.
    const log = createLog('trace', (line) => {
      lines.push(line)
      return ''
    })
    slackLogger(log)[level](...parts)
    return lines.map((line) => JSON.parse(line).msg).join('')
  }
  const body = JSON.stringify({ type: 'view_submission', key: 'ssh-ed25519 (wool): AAAA', lines: 'one\ntwo' })

  it.each([
    [`Received a message on the WebSocket: ${body}`, 'Received a message on the WebSocket'],
    [
      `Unable to parse an incoming WebSocket message (will ignore): SyntaxError, ${body}`,
      'Unable to parse an incoming WebSocket message (will ignore)',
    ],
    [`Calling ack() - type: interactive, envelope_id: 1, data: ${body}`, 'Calling ack() - type'],
    [`Sending a WebSocket message: ${body}`, 'Sending a WebSocket message'],
    [`ack() call begins (body: ${body})`, 'ack() call begins'],
    [`ack() response sent (body: plain\nwool)`, 'ack() response sent'],
    ['http request url: https://slack.com/api/chat.postMessage', 'http request url'],
    [`http request body: ${body}`, 'http request body'],
    [`http request result: ${body}`, 'http request result'],
    [`Error details: wool, storedResponse: ${body}`, 'Error details'],
    [body, '{"type"'],
    ["apiCall('chat.postMessage') start", "apiCall('chat.postMessage') start"],
    ['Going to retrieve a new WSS URL ...', 'Going to retrieve a new WSS URL ...'],
  ])('at debug is logged without what it shows: %s', (said, words) => {
    expect(logged('debug', said)).toBe(words)
    expect(logged('debug', ...said.split(' '))).toBe(words)
  })

  it('at other levels is logged whole, but for what a parser quotes', () => {
    let quoted: unknown
    try {
      JSON.parse('wool')
    } catch (error) {
      quoted = error
    }
    expect(logged('error', 'A request broke:', quoted)).toBe('A request broke')
    expect(logged('warn', `Malformed request body: ${quoted}`)).toBe('Malformed request body')
    const refused = new Error('signature mismatch')
    expect(logged('warn', 'A request was refused:', refused)).toBe('A request was refused: signature mismatch')
  })
})

it('a connection that is refused all day long is one line in a quarter of an hour', () => {
  const lines: object[] = []
  let now = 0
  const refused = throttledPerConnection({ warn: (fields: object) => void lines.push(fields) }, () => now)
  const minute = 60_000
  for (now = 0; now < 31 * minute; now += minute) refused('hoody', `401 at ${now / minute}`)
  refused('qovery', '403')
  expect(lines).toEqual([
    { connection: 'hoody', reason: '401 at 0' },
    { connection: 'hoody', reason: '401 at 15' },
    { connection: 'hoody', reason: '401 at 30' },
    { connection: 'qovery', reason: '403' },
  ])
})
