/** The real bot, stopped in the middle of a write. What a kill leaves behind is in test/jobs/crash.test.ts and the torture run. */
import { expect, it } from 'vitest'
import { askForCopy, startWorld } from '../helpers/world.js'

it('a stop finishes what is under way within ten seconds and leaves no message half posted', async () => {
  const world = await startWorld('http', { cloneMs: 60_000 })
  try {
    const { workspace, hoody } = world
    const bot = await world.start()
    const submission = askForCopy(world, 'in-flight', 'ann', () => hoody.setSwitch('slow', true))
    await workspace.waitFor(
      () => hoody.writes().some(({ path, status }) => path.endsWith('/copy') && status === 201),
      20_000,
    )
    await submission
    const began = Date.now()
    expect(await bot.kill('SIGTERM')).toBe(0)
    expect(Date.now() - began).toBeLessThan(10_500)
    expect(world.rows('select state from jobs')).toEqual([{ state: 'working' }])
    expect(world.rows('select * from messages where attempted_at is not null and ts is null')).toEqual([])
    expect(bot.log()).toContain('Dolly has stopped')
  } finally {
    await world.close()
  }
}, 60_000)
