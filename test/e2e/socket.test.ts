/** The real bot over Socket Mode, while its socket comes and goes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { askForCopy, isDone, startWorld, type World } from '../helpers/world.js'

async function waitForTheEnd(world: World, name: string): Promise<void> {
  const ann = world.workspace.as(world.workspace.people.ann.id)
  await ann.waitForMessage(({ text }) => text.includes(name) && isDone(text), 20_000)
}

describe('when the socket breaks', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld('socket')
    await world.start()
  }, 30_000)
  afterAll(async () => await world.close())

  const countOf = (sql: string) => world.rows<{ count: number }>(`select count(*) as count from ${sql}`)[0]?.count

  it('a submission that was acknowledged just before is not lost', async () => {
    const { workspace } = world
    await askForCopy(world, 'acked', 'ann', () => void workspace.dropSocket('after-ack'))
    await waitForTheEnd(world, 'acked')
    await workspace.waitFor(() => workspace.connections() > 0, 20_000)
    await askForCopy(world, 'next')
    await waitForTheEnd(world, 'next')
    expect(countOf("jobs where lock like '%/acked' or lock like '%/next'")).toBe(2)
  }, 60_000)

  it('a submission whose acknowledgement is lost with it comes again and is one job', async () => {
    const { workspace, hoody } = world
    await workspace.waitFor(() => workspace.connections() > 0, 20_000)
    let again: Promise<void> | undefined
    const submission = askForCopy(world, 'unacked', 'ann', () => {
      again = workspace.dropSocket('before-ack')
    })
    // The socket is open again before the three seconds are over, so that the person notices nothing.
    await submission
    await again
    await waitForTheEnd(world, 'unacked')
    expect(countOf("jobs where lock like '%/unacked'")).toBe(1)
    const copies = hoody.writes().filter(({ path, body }) => {
      return path.endsWith('/copy') && JSON.stringify(body).includes('"unacked"')
    })
    expect(copies).toHaveLength(1)
  }, 60_000)
})

describe.concurrent('while the socket is away', () => {
  it('a form is answered again soon after the socket went mute without a goodbye', async () => {
    const world = await startWorld('socket')
    try {
      const { workspace } = world
      const bot = await world.start()
      workspace.silenceSockets('mute')
      await expect.poll(() => bot.log().match(/"ready"/g)?.length, { timeout: 20_000 }).toBe(2)
      await askForCopy(world, 'heard')
      await waitForTheEnd(world, 'heard')
    } finally {
      await world.close()
    }
  })

  it('says whether it is ready: not before the socket is open, nor while it is away', async () => {
    const world = await startWorld('socket')
    try {
      const { workspace } = world
      const port = await freePort()
      const answer = async (path: string) =>
        (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined))?.status ?? 0
      workspace.setSwitch('down', true)
      const starting = world.start({ PORT: `${port}` })
      await expect.poll(() => answer('/healthz'), { timeout: 20_000 }).toBe(200)
      expect(await answer('/readyz')).toBe(503)
      workspace.setSwitch('down', false)
      const bot = await starting
      await expect.poll(() => answer('/readyz'), { timeout: 20_000 }).toBe(200)
      expect(await answer('/slack/events')).toBe(404)

      workspace.setSwitch('down', true)
      workspace.disconnect()
      await expect.poll(() => answer('/readyz'), { timeout: 20_000 }).toBe(503)
      expect(await answer('/healthz')).toBe(200)
      expect(bot.log()).toContain('not ready: the socket to Slack is closed')
      workspace.setSwitch('down', false)
      await expect.poll(() => answer('/readyz'), { timeout: 40_000 }).toBe(200)
      expect(await bot.kill('SIGTERM')).toBe(0)
    } finally {
      await world.close()
    }
  })
})
