/** Postgres goes away while a write runs: its answer is saved once Postgres is back, and nobody took the job meanwhile. */
import { expect, it, onTestFinished } from 'vitest'
import { reconcileLostWrites } from '../../src/jobs/reconcile.js'
import { writeNextJob } from '../../src/jobs/write.js'
import { openDatabase } from '../../src/store/database.js'
import { createMember, type Member } from '../../src/store/processes.js'
import { silentLog, testContext } from '../helpers/context.js'
import { startPostgres } from '../helpers/postgres.js'

const RENEW_EVERY_MS = 2_000

it('saves an answer that comes during an outage of 14 s, under the claim that the write began with', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  const db = await openDatabase(server.url)
  onTestFinished(() => db.destroy())
  const context = await testContext({ db })
  const [writes, waits] = ['writes', 'waits'].map((id) =>
    createMember(db, { id, name: id, elapsed: context.elapsed, log: silentLog }),
  ) as [Member, Member]
  await writes.renew()
  await waits.renew()
  const writer = { ...context, membership: { ...writes, now: context.now } }
  const other = { ...context, membership: { ...waits, now: context.now } }

  const { id } = await context.ask()
  let answer = () => {}
  context.world.held = new Promise<void>((resolve) => {
    answer = resolve
  })
  const writing = writeNextJob(writer, 'dummy-one')
  await expect.poll(async () => (await context.job(id)).state).toBe('starting')

  await server.stop()
  for (let awayMs = 0; awayMs < 14_000; awayMs += RENEW_EVERY_MS) {
    context.pass(RENEW_EVERY_MS)
    for (const member of [writes, waits]) await expect(member.renew()).rejects.toThrow()
  }
  expect(writes.mayWork()).toBe(false)
  answer()
  await server.start()
  await waits.renew()
  expect(await reconcileLostWrites(other, 'dummy-one')).toBe(false)
  await writes.renew()

  expect(await writing).toBe(true)
  expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
  expect(await context.kinds(id)).toEqual(['queued', 'step_started', 'step_accepted'])
  expect(context.world.writes).toBe(1)
})
