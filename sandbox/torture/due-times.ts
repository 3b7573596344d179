/**
 * Ends of expiries and due times of schedules, written into the database, on one file while no bot runs: the shortest expiry is an hour and
 * the shortest schedule a quarter of one. So the wait is left out, and with it the warnings before an end.
 */
import type { Submission } from './requester.js'
import { remember } from './steering.js'
import type { World } from './world.js'

/** One time at which a schedule is due, from when it was written. */
export interface DueTime {
  schedule: string
  submission: Submission
  /** Milliseconds since 1970, by the clock of the bot. */
  due: number
}

/** Farther back than any clock of the plan is set for good. */
const AGO_MS = 6 * 60_000

interface ScheduleRow {
  id: string
  /** Begins with that of the job from whose thread the schedule was made. */
  target: string
}

/** Lets everything that may expire do so, and each schedule whose last time was run be due once more. On one file, no bot may run. */
export async function moveDueTimes(
  world: World,
  submissions: readonly Submission[],
  dueTimes: DueTime[],
): Promise<void> {
  const due = Date.now() - AGO_MS
  for (const one of submissions) {
    const { steering, input, who } = one
    if (steering?.act !== 'expire' || steering.tries.length > 0) continue
    const fits = `target like ? and requester = ? and state = 'succeeded' and removes is null and removal_job is null`
    const sql = `update jobs set expires_at = ?, expiry_due_at = ? where expires_at is not null and ${fits}`
    const done = await world.rows(`select id from jobs where ${fits}`, `${input.target}%`, who)
    if (done.length === 0 || (await world.change(sql, due, due, `${input.target}%`, who)) === 0) continue
    remember(world, one, steering, 'done')
  }
  const idle = `select id, target from schedules where paused_at is null and due_at > ?`
  for (const { id, target } of await world.rows<ScheduleRow>(idle, `${Date.now()}`)) {
    const submission = submissions.find(
      ({ steering, input }) =>
        steering?.act === 'schedule' && steering.tries.length > 0 && target.startsWith(`${input.target} `),
    )
    const last = dueTimes.findLast(({ schedule }) => schedule === id)
    if (!submission || (last && (await jobsOf(world, last)).length === 0)) continue
    if ((await world.change('update schedules set next_at = ?, due_at = ? where id = ?', due, due, id)) > 0)
      dueTimes.push({ schedule: id, submission, due })
  }
}

export interface RunRow {
  id: string
  state: string
  step: string
}

/** The jobs that this due time made. */
export async function jobsOf({ rows }: World, { schedule, due }: DueTime): Promise<RunRow[]> {
  return await rows<RunRow>('select id, state, step from jobs where submission = ?', `schedule:${schedule}:${due}`)
}
