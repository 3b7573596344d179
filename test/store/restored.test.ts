/** What a restored database asks about before a Dolly works on it. */
import { expect, it } from 'vitest'
import { askAfterRestore } from '../../src/store/restored.js'
import { createSchedule, findSchedule } from '../../src/store/schedules.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { newSchedule } from '../helpers/preset.js'

const HOUR = 60 * 60_000
const DAY = 24 * HOUR

/** A context in which something was made that expires in so many milliseconds. */
async function withClone(keepForMs: number): Promise<{ context: TestContext; id: string }> {
  const context = await testContext()
  const { id } = await context.ask({ keepForMs })
  context.world.observation = { phase: 'done' }
  for (let polls = 0; polls < 5; polls += 1) {
    await context.runUntilIdle()
    context.pass(60_000)
  }
  expect(await context.job(id)).toMatchObject({ state: 'succeeded' })
  return { context, id }
}

it('a job that may have gone on asks a person, and nothing more is sent for it', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  expect(await askAfterRestore(context.db, context.now())).toEqual({ jobs: 1, schedules: 0, expiries: 0 })
  await context.runUntilIdle()
  expect(context.world.writes).toBe(0)
  expect(await context.job(id)).toMatchObject({ state: 'uncertain', detail: 'Dolly was restored from a backup.' })
  expect((await context.kinds(id)).at(-1)).toBe('uncertain')
})

it('a second time changes nothing', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  await askAfterRestore(context.db, context.now())
  const { version } = await context.job(id)
  expect(await askAfterRestore(context.db, context.now())).toEqual({ jobs: 0, schedules: 0, expiries: 0 })
  expect(await context.job(id)).toMatchObject({ version })
})

it('a job that has ended is left alone', async () => {
  const { context } = await withClone(30 * DAY)
  expect(await askAfterRestore(context.db, context.now())).toEqual({ jobs: 0, schedules: 0, expiries: 0 })
})

it('a schedule whose time has passed skips it, one that is still to come or paused stays', async () => {
  const { db, now } = await testContext()
  const passed = await createSchedule(db, newSchedule({ nextAt: now() - HOUR, cron: '0 2 * * *' }), now())
  const later = await createSchedule(db, newSchedule({ nextAt: now() + HOUR }), now())
  const [one, other] = [passed, later].map((made) => ('schedule' in made ? made.schedule : undefined))
  expect(await askAfterRestore(db, now())).toEqual({ jobs: 0, schedules: 1, expiries: 0 })
  const nextNight = Date.parse('2026-01-01T02:00Z')
  expect(await findSchedule(db, one?.id ?? '')).toMatchObject({ nextAt: nextNight, dueAt: nextNight, failures: 0 })
  expect(await findSchedule(db, other?.id ?? '')).toEqual(other)
})

it('a clone that expires within a day gets a warning and a day more, because somebody may have extended it', async () => {
  const { context, id } = await withClone(2 * HOUR)
  expect(await askAfterRestore(context.db, context.now())).toEqual({ jobs: 0, schedules: 0, expiries: 1 })
  expect(await context.job(id)).toMatchObject({ expiresAt: context.now() + DAY, expiryDueAt: context.now() })
  const before = (await context.kinds(id)).filter((kind) => kind === 'expiry_near').length
  await context.runUntilIdle()
  expect((await context.kinds(id)).filter((kind) => kind === 'expiry_near')).toHaveLength(before + 1)
  expect(context.world.removed).toEqual([])
})
