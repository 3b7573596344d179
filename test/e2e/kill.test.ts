/** The real bot, killed where it hurts, and started again on what it left. */
import { describe, it } from 'vitest'
import { askForCopy, startWorld, type World } from '../helpers/world.js'

/** Several bots run side by side here. */
const TIMEOUT_MS = 30_000

/** What went before the kill, and when it comes. */
const kills: { name: string; prepare(world: World): void; moment(world: World): Promise<unknown> }[] = [
  {
    name: 'before the write reached the provider',
    prepare: ({ hoody }) => hoody.setSwitch('drop-write', true),
    moment: ({ workspace, hoody }) =>
      workspace.waitFor(() => hoody.switches().every(({ id, on }) => id !== 'drop-write' || !on), TIMEOUT_MS),
  },
  {
    name: 'after the write, before its answer was saved',
    prepare: ({ hoody }) => hoody.setSwitch('slow', true),
    moment: ({ workspace, hoody }) => workspace.waitFor(() => copies({ hoody }) === 1, TIMEOUT_MS),
  },
  {
    name: 'while polling',
    prepare: () => {},
    moment: ({ workspace }) =>
      workspace.as(workspace.people.ann.id).waitForMessage(({ text }) => text.includes('Hoody accepted'), TIMEOUT_MS),
  },
  {
    name: 'while posting, after Slack took the message and before that was saved',
    prepare: ({ workspace }) => workspace.setSwitch('slow', true),
    moment: ({ workspace }) =>
      workspace
        .as(workspace.people.ann.id)
        .waitForMessage(({ isBot, text }) => isBot && text.includes('survivor'), TIMEOUT_MS),
  },
]

function copies({ hoody }: Pick<World, 'hoody'>): number {
  return hoody.writes().filter(({ path, status }) => path.endsWith('/copy') && status === 201).length
}

describe('the bot, killed', () => {
  for (const { name, prepare, moment } of kills) {
    it.concurrent(`${name}, ends the job correctly after a restart and asked for one copy`, async ({ expect }) => {
      const world = await startWorld('http', { cloneMs: 4_000 })
      try {
        const { workspace, hoody } = world
        const ann = workspace.as(workspace.people.ann.id)
        const first = await world.start()
        const submitted = askForCopy(world, 'survivor', 'ann', () => prepare(world))
        await moment(world)
        await submitted
        expect(await first.kill('SIGKILL')).toBe('SIGKILL')
        hoody.setSwitch('slow', false)
        workspace.setSwitch('slow', false)

        await world.start()
        await workspace.waitFor(
          () => ann.snapshot().messages.some(({ text }) => text.includes('survivor') && text.includes('Done')),
          150_000,
        )
        await ann.waitForMessage(({ text }) => text.includes('Done in'), 15_000)
        expect(copies(world)).toBe(1)
        expect(world.rows('select state from jobs')).toEqual([{ state: 'succeeded' }])
        await expect
          .poll(() => world.rows('select seq from events where notified_at is null'), { timeout: 15_000 })
          .toEqual([])
      } finally {
        await world.close()
      }
    }, 200_000)
  }

  it.concurrent('softly, finishes what is under way within ten seconds and leaves no message half posted', async ({
    expect,
  }) => {
    const world = await startWorld('http', { cloneMs: 60_000 })
    try {
      const { workspace, hoody } = world
      const bot = await world.start()
      const submission = askForCopy(world, 'in-flight', 'ann', () => hoody.setSwitch('slow', true))
      await workspace.waitFor(() => copies(world) === 1, 20_000)
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
})
