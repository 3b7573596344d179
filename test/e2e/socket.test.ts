/** The real bot over Socket Mode, while its socket comes and goes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { askForCopy, startWorld, type World } from '../helpers/world.js'

describe('over a socket that comes and goes', () => {
  let world: World
  beforeEach(async () => {
    world = await startWorld('socket')
  }, 30_000)
  afterEach(async () => await world.close())

  const copies = () => world.hoody.writes().filter(({ path }) => path.endsWith('/copy'))
  const jobs = () => world.rows<{ jobs: number }>('select count(*) as jobs from jobs')[0]?.jobs

  async function waitForTheEnd(name: string): Promise<void> {
    const ann = world.workspace.as(world.workspace.people.ann.id)
    await ann.waitForMessage(({ text }) => text.includes(name) && text.includes('Done.'), 20_000)
    await ann.waitForMessage(({ text }) => text.includes('Done in'), 20_000)
  }

  it('a submission that was acknowledged just before the socket broke is not lost', async () => {
    const { workspace } = world
    await world.start()
    await askForCopy(world, 'acked', 'ann', () => void workspace.dropSocket('after-ack'))
    await waitForTheEnd('acked')
    await workspace.waitFor(() => workspace.connections() > 0, 20_000)
    await askForCopy(world, 'next')
    await waitForTheEnd('next')
    expect(jobs()).toBe(2)
  }, 60_000)

  it('a submission whose acknowledgement broke with the socket comes again and is one job', async () => {
    const { workspace } = world
    await world.start()
    let again: Promise<void> | undefined
    const submission = askForCopy(world, 'unacked', 'ann', () => {
      again = workspace.dropSocket('before-ack')
    })
    // The socket is open again before the three seconds are over, so that the person notices nothing.
    await submission
    await again
    await waitForTheEnd('unacked')
    expect(jobs()).toBe(1)
    expect(copies()).toHaveLength(1)
  }, 60_000)

  it('a form is answered again soon after the socket went mute without a goodbye', async () => {
    const { workspace } = world
    const bot = await world.start()
    workspace.silenceSockets('mute')
    await expect.poll(() => bot.log().match(/"ready"/g)?.length, { timeout: 20_000 }).toBe(2)
    await askForCopy(world, 'heard')
    await waitForTheEnd('heard')
  }, 60_000)

  it.each(['no hello', 'no upgrade'] as const)(
    'a form is answered again soon after a time of sockets with %s',
    async (silence) => {
      const { workspace } = world
      const bot = await world.start()
      workspace.silenceSockets(silence)
      workspace.disconnect()
      await expect.poll(() => bot.log(), { timeout: 20_000 }).toContain('did not say hello within 12 s')
      workspace.silenceSockets(undefined)
      await workspace.waitFor(() => workspace.connections() > 0, 20_000)
      await askForCopy(world, 'heard')
      await waitForTheEnd('heard')
    },
    90_000,
  )

  it('says whether it is ready: not before the socket is open, nor while it is away', async () => {
    const { workspace } = world
    const port = await freePort()
    const answer = async (path: string) =>
      (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined))?.status ?? 0
    workspace.setSwitch('down', true)
    const starting = world.start({ PORT: `${port}` })
    await expect.poll(() => answer('/healthz'), { timeout: 20_000 }).toBe(200)
    expect(await answer('/ready')).toBe(503)
    workspace.setSwitch('down', false)
    const bot = await starting
    await expect.poll(() => answer('/ready'), { timeout: 20_000 }).toBe(200)
    expect(await answer('/slack/events')).toBe(404)

    workspace.setSwitch('down', true)
    workspace.disconnect()
    await expect.poll(() => answer('/ready'), { timeout: 20_000 }).toBe(503)
    expect(await answer('/healthz')).toBe(200)
    expect(bot.log()).toContain('not ready: the socket to Slack is away')
    workspace.setSwitch('down', false)
    await expect.poll(() => answer('/ready'), { timeout: 40_000 }).toBe(200)
    expect(await bot.kill('SIGTERM')).toBe(0)
  }, 90_000)
})
