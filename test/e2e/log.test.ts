/** What the bot prints is its log and nothing else: what something printed past it would not be searched for secrets. */
import { expect, it } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { startWorld } from '../helpers/world.js'

it('every line is one of the log, also when Slack cannot be reached at the start', async () => {
  const world = await startWorld('http')
  try {
    const bot = await world.start({ SLACK_API_URL: `http://127.0.0.1:${await freePort()}/api/` })
    expect(await bot.kill('SIGTERM')).toBe(0)
    const lines = bot.log().trim().split('\n')
    expect(lines.filter((line) => !/^{"level":\d/.test(line))).toEqual([])
    expect(lines.filter((line) => line.includes('http request failed'))).not.toEqual([])
  } finally {
    await world.close()
  }
}, 30_000)
