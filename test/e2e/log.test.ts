/** What the bot prints is its log and nothing else: what something printed past it would not be searched for secrets. */
import { expect, it } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { startWorld } from '../helpers/world.js'

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
    expect(bot.log()).toContain('Slack could not be reached (fetch failed); Dolly tries again')
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
