/** Opens the form of a job that has ended, filled in as it was: to mend what failed, or to clone once more. */
import { type Asker, decide } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import type { Preset } from '../../domain/preset.js'
import { canDelete } from '../../domain/removal.js'
import { scheduleOfFailedRun } from '../../domain/schedule.js'
import { UserError } from '../../errors.js'
import { durationAsTyped } from '../../lib/duration.js'
import type { Operation } from '../../providers/provider.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { KEEP_BLOCK } from '../../slack/form/keep.js'
import { savedValue } from '../../slack/form/saved.js'
import { findSchedule } from '../../store/schedules.js'
import { accessDenied } from '../authorize.js'
import type { ButtonRequest, JobButton } from '../job-button.js'
import { findJobFor, whichJob } from '../jobs/access.js'
import { presetsFor } from '../presets/find.js'
import { openPreset } from '../presets/open.js'
import { findTarget, type Services } from '../services.js'
import type { Verb } from '../verb.js'
import { openForm } from './open-form.js'

export const fromJobButtons: readonly JobButton[] = [
  {
    word: 'edit',
    async press(request) {
      await openFormOf(request, request.asker.channel)
      return null
    },
  },
]

export const fromJobVerbs: readonly Verb[] = [
  {
    words: ['again', 'edit'],
    usage: 'again <job>',
    does: "opens the form with that job's answers",
    group: 'steer',
    needs: ['start'],
    async run({ words: [jobId], channel, ...request }) {
      if (jobId === undefined) throw whichJob('again')
      await openFormOf({ ...request, jobId }, channel)
      return null
    },
  },
]

/**
 * Opens the form of a job, filled in as it was.
 *
 * @throws UserError when there's no such job, or this person can't start one like it.
 */
export async function openFormOf(request: Omit<ButtonRequest, 'isPrivate'>, channel: string | null): Promise<void> {
  const { services, asker, jobId } = request
  const job = await findJobFor(services, asker, jobId, { verb: 'status', act: 'see' }, 'again')
  if (job.removes !== null) throw new UserError(`Job ${job.id} is a deletion, so it has no form.`)
  const { connection, operation: what } = job
  const target = findTarget(services, connection, what)
  const isAllowed = decide(services.access.rules, { ...asker, channel }, { connection, what }).isAllowed
  if (!isAllowed) throw accessDenied(services, asker, `run ${what} on ${connection}`)
  const preset = await presetOfFailedRun(services, asker, job)
  if (preset) return await openPreset(request, preset)
  await openForm({ ...request, channel }, target, answersOf(job, target.operation), job.labels)
}

/** What a scheduled run that couldn't start was to run: that job has no answers of its own. Only a preset that they find here. */
async function presetOfFailedRun(services: Services, asker: Asker, job: Job): Promise<Preset | undefined> {
  const id = scheduleOfFailedRun(job)
  const schedule = id === null ? null : await findSchedule(services.db, id)
  if (schedule === null) return undefined
  return (await presetsFor(services, asker)).find((preset) => preset.id === schedule.presetId)
}

/**
 * The answers of a job as its form takes them. Personal ones are gone. A name that the job has used up, also for what it left
 * behind when it failed, is left out, so that the form suggests another.
 */
export function answersOf(job: Job, operation: Operation): Record<string, string> {
  const isNameTaken = job.state === 'succeeded' || (operation.removal !== undefined && canDelete(job))
  const fields = fieldsOf(operation).filter(
    ({ personal, suggestFrom }) => !personal && !(suggestFrom !== undefined && isNameTaken),
  )
  const keep = job.keepForMs === null ? [] : [[KEEP_BLOCK, durationAsTyped(job.keepForMs)] as const]
  return Object.fromEntries([
    ...keep,
    ...fields.flatMap((field) => {
      const value = savedValue(field, job.params[field.key])
      return value === undefined ? [] : [[field.key, value] as const]
    }),
  ])
}
