/** A clone that is kept for a while, deleted from its thread, and is gone at the provider. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askForCopy, startWorld, type World } from '../helpers/world.js'

let world: World
let bot: Awaited<ReturnType<World['start']>>
beforeAll(async () => {
  world = await startWorld('http')
  bot = await world.start()
}, 60_000)
afterAll(async () => await world.close())

interface Row {
  id: string
  removes: string | null
  state: string
  removed_at: number | null
  keep_for_ms: number | null
  expires_at: number | null
  expiry_due_at: number | null
}
const jobs = () => world.rows<Row>('select * from jobs order by created_at')

it('gets its expiry from the command, and is deleted at the provider by a job of its own', async () => {
  const { workspace, hoody } = world
  const { platform } = workspace.channels
  const ann = workspace.as(workspace.people.ann.id)
  await askForCopy(world, 'short-lived keep=3d')
  await workspace.waitFor(() => jobs()[0]?.state === 'succeeded', 30_000)
  const [made] = jobs()
  if (!made) throw new Error('There is no job.')
  expect(made.keep_for_ms).toBe(3 * 86_400_000)
  expect(made.expires_at).toBeGreaterThan(Date.now())
  const has = () => JSON.stringify(hoody.table().rows).includes('short-lived')
  expect(has()).toBe(true)

  await ann.write(platform.id, `/clone-app delete ${made.id}`)
  const page = await ann.waitForView((view) => view.callback_id === 'removal')
  expect(JSON.stringify(page.blocks)).toContain('short-lived')
  expect(page.submit?.text).toBe('Delete short-lived')
  expect(await ann.submit()).toEqual({})
  await workspace.waitFor(() => jobs()[0]?.removed_at, 30_000)
  expect(jobs()).toMatchObject([
    { id: made.id, state: 'succeeded', expires_at: null, expiry_due_at: null },
    { removes: made.id, state: 'succeeded' },
  ])
  expect(has()).toBe(false)
  expect(hoody.writes().filter(({ method }) => method === 'DELETE')).toHaveLength(1)

  const root = await ann.waitForMessage(({ text, isBot }) => isBot && text.includes('short-lived was deleted'))
  await workspace.waitFor(() =>
    ann.thread(root.channel, root.ts).some(({ text }) => text.includes('short-lived is deleted')),
  )

  // A second try gets a sensible answer.
  await ann.write(platform.id, `/clone-app delete ${made.id}`)
  await ann.waitForMessage(({ text, isEphemeral }) => isEphemeral && text.includes("It's already gone"))
}, 90_000)

it('is deleted and tried again in two presses when it failed halfway', async () => {
  const { workspace, hoody } = world
  const ann = workspace.as(workspace.people.ann.id)
  await askForCopy(world, 'half-made', 'ann', () => hoody.setSwitch('fail-next', true))
  const failed = await ann.waitForMessage(({ text, isBot }) => isBot && text.startsWith('half-made failed ('))
  expect(failed.text).toContain('What it made blocks another try.')
  const job = jobs().find(({ state }) => state === 'failed')
  const copies = () => hoody.table().rows.filter((row) => JSON.stringify(row).includes('half-made'))
  expect(copies()).toHaveLength(1)

  await ann.click(failed, 'job:try_again')
  const page = await ann.waitForView((view) => view.callback_id === 'removal')
  expect(page.submit?.text).toBe('Delete and try again')
  await ann.submit()
  await workspace.waitFor(() => jobs().find(({ id }) => id === job?.id)?.state === 'succeeded', 30_000)
  expect(copies()).toHaveLength(1)
  await ann.waitForMessage(({ text, isBot }) => isBot && text.startsWith('half-made is running'))
}, 90_000)

it('is asked about when its time ended while Dolly was stopped', async () => {
  const { workspace } = world
  const ann = workspace.as(workspace.people.ann.id)
  await askForCopy(world, 'forgotten keep=1h')
  const one = () => jobs().find(({ keep_for_ms }) => keep_for_ms === 3_600_000)
  await workspace.waitFor(() => one()?.state === 'succeeded', 30_000)
  await bot.kill('SIGKILL')
  world.write('update jobs set expires_at = created_at, expiry_due_at = created_at where keep_for_ms = 3600000')
  await world.start()
  await workspace.waitFor(() => one()?.expiry_due_at === null, 30_000)
  const events = world.rows<{ kind: string }>(`select kind from events where job_id = '${one()?.id}'`)
  await ann.waitForMessage(({ text }) => text.includes('forgotten has expired. Do you still need it?'))
  expect(events.filter(({ kind }) => kind.startsWith('expiry'))).toEqual([{ kind: 'expiry_reached' }])
}, 90_000)
