/** The real bot while another process holds its database: it stays awake, and people are told. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askForCopy, startWorld, type World } from '../helpers/world.js'

let world: World
beforeAll(async () => {
  world = await startWorld('http', { cloneMs: 300 })
  await world.start()
}, 30_000)
afterAll(async () => await world.close())

const sorry = "Dolly's database is busy. Nothing was started. Try again in a moment."

it('while another process holds the database it answers, starts nothing it could not keep, and goes on afterwards', async () => {
  const { workspace } = world
  const ann = workspace.as(workspace.people.ann.id)
  let letGo = () => {}
  await askForCopy(world, 'held', 'ann', () => {
    letGo = world.hold()
  })
  // The workspace takes no answer that is later than Slack's three seconds.
  expect(JSON.stringify(ann.topView()?.blocks)).toContain(sorry)

  const health = async () => {
    const begun = performance.now()
    const { status } = await fetch(`${world.address}/healthz`)
    return { status, isSoon: performance.now() - begun < 1_000 }
  }
  const answers = await Promise.all(Array.from({ length: 10 }, health))
  expect(answers).toEqual(Array.from({ length: 10 }, () => ({ status: 200, isSoon: true })))
  expect(world.rows('select id from jobs')).toEqual([])

  letGo()
  // What is on top is the notice; beneath it is the page that was sent.
  await ann.close()
  expect(await ann.submit()).toEqual({})
  await ann.waitForMessage(({ text }) => text.includes('held') && text.includes('Done'), 20_000)
  expect(world.rows<{ jobs: number }>('select count(*) as jobs from jobs')).toEqual([{ jobs: 1 }])
}, 60_000)
