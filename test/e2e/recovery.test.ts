/** From a SIGKILL in the middle of several polls to the next poll of every live job. */
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { startCloudFoundry } from '../../sandbox/providers/cloud-foundry.js'
import { startQovery } from '../../sandbox/providers/qovery.js'
import { askForCopy, startWorld, type World } from '../helpers/world.js'

interface Row {
  id: string
  connection: string
  version: number
  claim: string | null
}

const liveJobs = (world: World) =>
  world.rows<Row>('select id, connection, version, claim_token as claim from jobs where ended_at is null')

/** Fills in the lists of a form, each by a word that its entry begins with, and submits it. */
async function ask(world: World, command: string, picks: Readonly<Record<string, string>>): Promise<void> {
  const { workspace } = world
  const ann = workspace.as(workspace.people.ann.id)
  await ann.write(workspace.channels.platform.id, `/clone-app ${command}`)
  await ann.waitForView((view) => view.callback_id === 'operation_form')
  for (const [list, word] of Object.entries(picks)) {
    const entry = (await ann.options(list, word)).find(({ text }) => text.text.includes(word))
    await ann.choose(list, entry?.value ?? '', word)
  }
  expect(await ann.submit()).toEqual({})
  await ann.waitForView((view) => view.callback_id === 'operation_preview')
  expect(await ann.submit()).toEqual({})
}

it('after a SIGKILL every running job of every connection is polled within two seconds of the next start', async () => {
  const others = [await startQovery({ cloneMs: 300_000 }), await startCloudFoundry({ cloneMs: 300_000 })]
  const world = await startWorld('http', { cloneMs: 300_000, others: others.map((one) => async () => one) })
  try {
    const { hoody } = world
    const simulators = [hoody, ...others]
    const bot = await world.start()
    await askForCopy(world, 'first')
    await askForCopy(world, 'second')
    await ask(world, 'qovery clone name=third', { service: 'shop-api', environment: 'staging' })
    await ask(world, 'cloud-foundry clone name=fourth', { app: 'shop-api', space: 'staging' })
    const running = () => world.rows("select id from jobs where state = 'working'").length
    await expect.poll(running, { timeout: 30_000 }).toBe(4)

    // Slow answers keep the bot in the middle of its polls, with claims on the jobs.
    for (const simulator of simulators) simulator.setSwitch('slow', true)
    const claimed = () =>
      new Set(liveJobs(world).flatMap(({ claim, connection }) => (claim === null ? [] : connection)))
    await expect.poll(() => claimed().size, { timeout: 30_000, interval: 20 }).toBeGreaterThan(1)
    expect(await bot.kill('SIGKILL')).toBe('SIGKILL')
    const killed = Date.now()
    const left = liveJobs(world)
    expect(left).toHaveLength(4)
    // Some may be between two steps.
    const toPoll = running()
    expect(left.some(({ claim }) => claim !== null)).toBe(true)
    for (const simulator of simulators) simulator.setSwitch('slow', false)
    const requests = simulators.map((simulator) => simulator.requests())
    // As planned by a clock that was set back by hours since.
    world.write("update jobs set due_at = due_at + 10000000 where state = 'working'")

    const second = await world.start()
    const seen = () => {
      const now = new Map(world.rows<Row>('select id, version from jobs').map(({ id, version }) => [id, version]))
      return left.filter(({ id, version }) => (now.get(id) ?? 0) > version).length
    }
    await expect.poll(seen, { timeout: 20_000, interval: 50 }).toBe(4)
    expect(Date.now() - killed).toBeLessThan(15_000)
    const [, jobs, ms] =
      /"jobs":(\d+),"ms":(\d+),"msg":"every running job was polled after the start"/.exec(second.log()) ?? []
    expect(Number(jobs)).toBe(toPoll)
    expect(Number(ms)).toBeLessThan(2_000)
    for (const [at, simulator] of simulators.entries()) expect(simulator.requests()).toBeGreaterThan(requests[at] ?? 0)
    expect(new Set(left.map(({ connection }) => connection)).size).toBe(3)
  } finally {
    await world.close()
  }
}, 120_000)

it('a start goes on with live jobs although Slack takes the line and never answers', async () => {
  const world = await startWorld('http', { cloneMs: 3_000 })
  const silent = createServer().listen(0)
  try {
    const bot = await world.start()
    await askForCopy(world, 'first')
    await expect
      .poll(() => world.rows("select id from jobs where state = 'working'"), { timeout: 15_000 })
      .toHaveLength(1)
    expect(await bot.kill('SIGKILL')).toBe('SIGKILL')

    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : undefined
    let isUp = false
    const starting = world.start({ SLACK_API_URL: `http://127.0.0.1:${port}/api/` }).then(() => {
      isUp = true
    })
    const succeeded = () => world.rows("select id from jobs where state = 'succeeded'")
    await expect.poll(succeeded, { timeout: 9_000, interval: 50 }).toHaveLength(1)
    expect(isUp).toBe(false)
    await starting
  } finally {
    await world.close()
    silent.close()
  }
}, 60_000)
