/** Schedules: a due time is run once, whichever process gets it and wherever it dies. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  failedRun,
  MAX_FAILURES,
  MAX_SCHEDULES,
  type Schedule,
  startedRun,
  submissionOf,
} from '../../src/domain/schedule.js'
import { findDueWork } from '../../src/store/due-work.js'
import { readEvents } from '../../src/store/events.js'
import { createJob, ScheduleChanged } from '../../src/store/jobs.js'
import {
  claimDueSchedules,
  createSchedule,
  deleteSchedule,
  endRun,
  findSchedule,
  listSchedules,
  postponeRun,
  setPaused,
} from '../../src/store/schedules.js'
import type { Database } from '../../src/store/schema.js'
import { newJob } from '../helpers/context.js'
import { type SharedDatabase, shareTestDatabase } from '../helpers/database.js'
import { newSchedule } from '../helpers/preset.js'

const due = Date.parse('2026-01-01T02:00Z')
const next = Date.parse('2026-01-02T02:00Z')
const by = { actor: 'U1', channel: 'C1' }
let shared: SharedDatabase
/** Two processes with the same database. */
let one: Database
let other: Database
let schedule: Schedule

beforeEach(async () => {
  shared = await shareTestDatabase()
  one = await shared.open()
  other = await shared.open()
  const created = await createSchedule(one, newSchedule(), 1)
  if (created.kind !== 'created') throw new Error(created.kind)
  schedule = created.schedule
})
afterEach(() => shared.close())

const jobs = async () => await one.selectFrom('jobs').selectAll().execute()
const isDue = async (now: number) => (await findDueWork(one, now)).some(({ kind }) => kind === 'schedule')
const start = (
  db: Database,
  claimed: Schedule,
  number: number,
  wanted: Partial<Parameters<typeof createJob>[1]> = {},
) =>
  createJob(
    db,
    { ...newJob(number), submission: submissionOf(claimed, due), endedRun: startedRun(claimed, next), ...wanted },
    due,
  )

async function claimed(db = one, now = due): Promise<Schedule> {
  const [first] = await claimDueSchedules(db, 10, now)
  if (!first) throw new Error('Nothing is due.')
  return first
}

describe('a schedule', () => {
  it('is due from its next time on, until its run has made a job', async () => {
    expect([await isDue(due - 1), await isDue(due)]).toEqual([false, true])
    const creation = await start(one, await claimed(), 1)
    if (creation.kind !== 'created') throw new Error(creation.kind)
    expect(await findSchedule(one, schedule.id)).toMatchObject({
      nextAt: next,
      dueAt: next,
      lastJob: creation.job.id,
      target: 'copy-1',
      failures: 0,
    })
    expect([await isDue(next - 1), await isDue(next)]).toEqual([false, true])
  })

  it('is run by one of two processes that see it due', async () => {
    const both = await Promise.all([claimDueSchedules(one, 10, due), claimDueSchedules(other, 10, due)])
    expect(both.flat()).toHaveLength(1)
  })

  it('makes one job if the run of a process that was stopped for long is made by another one meanwhile', async () => {
    const slow = await claimed()
    expect(await claimDueSchedules(other, 10, due + 119_000)).toEqual([])
    const fast = await claimed(other, due + 120_000)
    // The slow one is refused by its version if it comes first, and by its submission otherwise.
    await Promise.allSettled([start(one, slow, 1), start(other, fast, 2)])
    expect(await jobs()).toMatchObject([{ target: 'copy-2' }])
  })

  it('is due again after a process died between claiming it and making its job', async () => {
    await claimed()
    const again = await claimed(other, due + 120_000)
    expect(again).toMatchObject({ nextAt: due, failures: 0 })
    expect(await start(other, again, 1)).toMatchObject({ kind: 'created' })
  })

  it('makes no second job for a time that it has made one for', async () => {
    await start(one, await claimed(), 1)
    await one.updateTable('schedules').set({ nextAt: due, dueAt: due }).execute()
    expect(await start(one, await claimed(), 2)).toMatchObject({ kind: 'repeated', job: { target: 'copy-1' } })
    expect(await jobs()).toHaveLength(1)
  })

  it('makes no job once somebody has paused or deleted it, and stays as they left it', async () => {
    const running = await claimed()
    const paused = await setPaused(other, running, { pausedAt: due, nextAt: null }, by, due)
    await expect(start(one, running, 1)).rejects.toThrow(ScheduleChanged)
    expect(await findSchedule(one, schedule.id)).toEqual(paused)
    expect(await isDue(next)).toBe(false)
    await deleteSchedule(other, schedule, by, due)
    await expect(start(one, running, 2)).rejects.toThrow(ScheduleChanged)
    expect(await jobs()).toEqual([])
  })

  it('keeps its time while another job has the lock: it leaves neither a job nor a run behind', async () => {
    await createJob(one, newJob(1), due)
    const running = await claimed()
    expect(await start(one, running, 1)).toMatchObject({ kind: 'locked' })
    expect(await findSchedule(one, schedule.id)).toEqual(running)
  })

  it('is tried again at the time that it is put off to', async () => {
    await postponeRun(one, await claimed(), { dueAt: due + 300_000, retrySince: due })
    expect([await isDue(due + 299_999), await isDue(due + 300_000)]).toEqual([false, true])
    expect(await findSchedule(one, schedule.id)).toMatchObject({ nextAt: due })
  })
})

it('a run that cannot start is a job that has failed from the beginning, beside one that has the lock', async () => {
  await createJob(one, newJob(1), due)
  const creation = await start(one, await claimed(), 1, { failure: 'Ann may no longer do this.' })
  if (creation.kind !== 'created') throw new Error(creation.kind)
  expect(creation.job).toMatchObject({
    state: 'failed',
    step: '',
    detail: 'Ann may no longer do this.',
    endedAt: due,
    dueAt: null,
  })
  expect(await readEvents(one, creation.job.id)).toMatchObject([
    { kind: 'failed', detail: 'Ann may no longer do this.' },
  ])
  expect((await findDueWork(one, due)).map(({ kind }) => kind).sort()).toEqual(['notify', 'queued', 'seal'])
})

it('a schedule that is paused after too many failed runs is in the audit, with nobody as its actor', async () => {
  const actions = async () => await one.selectFrom('audit').select(['action', 'actor', 'at']).execute()
  const failing = { failures: MAX_FAILURES - 1 }
  const early = await claimed()
  await endRun(one, failedRun({ ...early, failures: 0 }, due, due), null)
  expect((await actions()).map(({ action }) => action)).not.toContain('schedule_paused')
  const turn = failedRun({ ...(await claimed()), ...failing }, next, due)
  await expect(start(one, early, 1, { failure: 'No.', endedRun: { ...turn, version: 1 } })).rejects.toThrow(
    ScheduleChanged,
  )
  expect((await actions()).map(({ action }) => action)).not.toContain('schedule_paused')
  await start(one, early, 1, { failure: 'No.', endedRun: turn })
  expect(await findSchedule(one, schedule.id)).toMatchObject({ pausedAt: due, dueAt: null })
  expect(await actions()).toContainEqual({ action: 'schedule_paused', actor: null, at: due })
})

it('a person can have only so many schedules, and sees only their own', async () => {
  for (let number = 1; number < MAX_SCHEDULES; number += 1) await createSchedule(one, newSchedule(), number)
  expect(await createSchedule(one, newSchedule(), 1)).toEqual({ kind: 'full' })
  expect(await createSchedule(one, newSchedule({ owner: 'U2' }), 1)).toMatchObject({ kind: 'created' })
  expect(await listSchedules(one, ['U1'])).toHaveLength(MAX_SCHEDULES)
})

it('a schedule that is submitted twice is one schedule, also to who has no room for another', async () => {
  const wanted = newSchedule({ submission: 'V1' })
  const both = await Promise.all([createSchedule(one, wanted, 1), createSchedule(other, wanted, 1)])
  expect(both.map(({ kind }) => kind).sort()).toEqual(['created', 'repeated'])
  for (let number = 2; number < MAX_SCHEDULES; number += 1) await createSchedule(one, newSchedule(), number)
  const again = await createSchedule(one, wanted, 1)
  expect(both).toContainEqual({ ...again, kind: 'created' })
  expect(await listSchedules(one, ['U1'])).toHaveLength(MAX_SCHEDULES)
  const made = one.selectFrom('audit').selectAll().where('action', '=', 'schedule_made')
  expect(await made.execute()).toHaveLength(MAX_SCHEDULES)
})

it('a schedule whose id is taken gets another one', async () => {
  const ids = [schedule.id, 'freed']
  const scheduling = await createSchedule(one, newSchedule(), 1, () => ids.shift() ?? '')
  if (scheduling.kind !== 'created') throw new Error(scheduling.kind)
  expect(scheduling.schedule.id).toBe('freed')
  expect(await listSchedules(one, ['U1'])).toHaveLength(2)
})
