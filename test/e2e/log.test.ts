/** What the bot prints is its log and nothing else: what something printed past it would not be searched for secrets. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { startWorld } from '../helpers/world.js'

const secret = 'wool/"of"\\the+sheep=4711'

const notOfTheLog = (printed: string) =>
  printed
    .trim()
    .split('\n')
    .filter((line) => !/^{"level":\d/.test(line))

it('every line is one of the log, also when Slack cannot be reached at the start', async () => {
  const world = await startWorld('http')
  try {
    const bot = await world.start({ SLACK_API_URL: `http://127.0.0.1:${await freePort()}/api/` })
    expect(await bot.kill('SIGTERM')).toBe(0)
    expect(notOfTheLog(bot.log())).toEqual([])
    expect(bot.log()).toContain('Slack could not be reached (fetch failed); retrying')
  } finally {
    await world.close()
  }
}, 30_000)

it('a crash is a line of the log, and what keeps the bot from starting a sentence, both without a secret', async () => {
  const world = await startWorld('http')
  try {
    const { token = '' } = world.hoody.connection
    expect(token.length).toBeGreaterThan(8)
    const printed = await world.start({ DATABASE_URL: `file:/dev/null/${token}/dolly.db` }).catch(String)
    expect(printed).toContain("mkdir '/dev/null/••••'")
    expect(printed).not.toContain(token)

    // A mistake outside of all that is awaited, at a moment of our choice.
    const bug = "process.once('SIGTERM', () => { throw new Error('nobody caught ' + process.env.QUOTED) })"
    const bot = await world.start({
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(bug)}`,
      QUOTED: token,
    })
    expect(await bot.kill('SIGTERM')).toBe(1)
    expect(notOfTheLog(bot.log())).toEqual([])
    expect(bot.log()).toMatch(/"level":60.*nobody caught ••••/)
    expect(bot.log()).not.toContain(token)
  } finally {
    await world.close()
  }
}, 30_000)

/** Runs TypeScript given as an argument. */
const typescript = ['--import', 'tsx', '--input-type=module', '-e']

it('no line shows a secret, in whatever form it was written there', async () => {
  // pino writes to the process's own output, so it takes a process to read it.
  const script = `
    import { createRedactor } from './src/lib/redact.ts'
    import { createLog } from './src/log.ts'
    const secret = process.env.SECRET
    const log = createLog('trace', createRedactor([secret]).redact)
    log.info({ secret }, secret)
    log.error({ err: new Error('Refused ' + secret) }, 'a worker broke')
    log.debug({ url: 'https://x.example/?token=' + encodeURIComponent(secret) }, 'asked')
    for (const user of ['', 'a:', 'bo:', 'ann:']) log.trace(Buffer.from(user + secret).toString('base64') + ' sent')
    log.trace(Buffer.from(secret + ' and more').toString('base64url') + ' sent')
  `
  const { stdout } = await promisify(execFile)(process.execPath, [...typescript, script], {
    env: { ...process.env, SECRET: secret },
  })
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(8)
  for (const line of lines) {
    expect(line).toContain('••••')
    expect(() => JSON.parse(line)).not.toThrow()
    const { msg = '' } = JSON.parse(line)
    expect(Buffer.from(msg.replace(/ .*/, ''), 'base64').toString()).not.toMatch(/sheep|wool/)
  }
  expect(stdout).not.toContain('sheep')
}, 30_000)

it('the log stays JSON where a secret looks like a part of it', async () => {
  const script = `
    import { createRedactor } from './src/lib/redact.ts'
    import { createLog } from './src/log.ts'
    const log = createLog('trace', createRedactor(['nine lives', '"},"msg":"', '12345678', '","msg":"']).redact)
    log.info({ at: 1234567890123 }, 'a cat has\\nine lives')
    log.info({ of: { a: 'b' } }, 'it has nine lives')
  `
  const { stdout } = await promisify(execFile)(process.execPath, [...typescript, script])
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(2)
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['a cat has\nine lives', 'it has ••••'])
}, 30_000)
