/** Makes, pauses and deletes schedules: one place for what is typed and what is clicked. */
import { type Asker, decide } from '../../access/rules.js'
import type { Preset } from '../../domain/preset.js'
import { MAX_SCHEDULES, type Schedule } from '../../domain/schedule.js'
import { UserError } from '../../errors.js'
import { closest } from '../../lib/closest.js'
import { nextRun, parseCron, zoneNamed } from '../../lib/cron.js'
import { comparable } from '../../lib/text.js'
import { CRON_BLOCK, ZONE_BLOCK } from '../../slack/form/schedule-view.js'
import { nextWords } from '../../slack/message/schedules.js'
import { brief, mrkdwn } from '../../slack/text.js'
import { createSchedule, deleteSchedule, findSchedule, listSchedules, setPaused } from '../../store/schedules.js'
import { placeProblem } from '../approvals/request.js'
import { accessDenied } from '../authorize.js'
import { allows, assertCanStart, decisionOn, type PresetTarget, readerOf } from '../presets/access.js'
import { threadPlace } from '../presets/run.js'
import type { Services } from '../services.js'

/** What people do to a schedule that there is. */
export const SCHEDULE_ACTS = ['pause', 'resume', 'delete'] as const

/** When a schedule runs. */
export type Times = Pick<Schedule, 'cron' | 'zone' | 'nextAt'>

/** @throws UserError, with the block at fault, for an invalid cron or zone, or a time that never comes. */
export function readTimes(wanted: { cron: string; zone: string }, now: number): Times {
  const read = parseCron(wanted.cron)
  if ('problem' in read) throw new UserError(read.problem, { field: CRON_BLOCK })
  const zone = zoneNamed(wanted.zone)
  if (zone === undefined)
    throw new UserError(`I don't know the time zone "${brief(wanted.zone)}". Write it as Europe/Berlin or UTC.`, {
      field: ZONE_BLOCK,
    })
  const nextAt = nextRun(read.cron, zone, now)
  if (nextAt === null) throw new UserError("That time doesn't occur in the next eight years.", { field: CRON_BLOCK })
  return { cron: read.cron.expression, zone, nextAt }
}

/**
 * @param how.submission so that one request that arrives twice is one schedule.
 * @returns its name and when it runs, as mrkdwn.
 * @throws UserError without access.
 */
export async function schedulePreset(
  services: Services,
  asker: Asker,
  preset: Preset,
  times: Times,
  how: { missed: Schedule['missed']; submission: string },
): Promise<string> {
  await assertCanSchedule(services, asker, preset)
  const { connection, operation, source, target } = preset
  const about = { presetId: preset.id, preset: preset.name, connection, operation, source, target }
  const channel = asker.channel ?? asker.id
  const wanted = { ...about, ...times, ...how, owner: asker.id, channel }
  const scheduling = await createSchedule(services.db, wanted, services.now())
  if (scheduling.kind === 'full')
    throw new UserError(`You already have ${MAX_SCHEDULES} schedules. Delete one first: /clone-app schedules.`)
  const { kind, schedule } = scheduling
  const made = { schedule: schedule.id, user: asker.id, preset: preset.name }
  if (kind === 'created') services.log.info(made, 'a schedule was made')
  return `"${mrkdwn(preset.name)}": ${nextWords(schedule)} (${mrkdwn(times.zone)}). It runs in your name. \`/clone-app schedules\` lists, pauses and deletes yours; this one is \`${schedule.id}\`.`
}

/**
 * What only a rule for the channel allows can't be scheduled where Slack doesn't say who is in a channel: each run would be
 * refused, because its owner may have left.
 *
 * @throws UserError when they can't start it, can't schedule it, or others must approve each run and wouldn't read of it. Each
 *   run is checked again.
 */
export async function assertCanSchedule(
  services: Services,
  asker: Asker,
  preset: PresetTarget & Pick<Preset, 'channel'>,
): Promise<void> {
  assertCanStart(services, asker, preset)
  if (!allows(services, asker, preset, 'schedule'))
    throw accessDenied(services, asker, `schedule this on ${preset.connection}`)
  assertUnattended(services, asker, preset)
  const { rule } = decisionOn(services, asker, preset, preset.operation)
  const { channel } = await threadPlace(services, asker, preset)
  const problem = placeProblem(rule?.approval, channel)
  if (problem !== undefined) throw new UserError(problem)
}

/** @throws UserError where access comes only from a rule for the channel, and no run could tell who is in it. */
function assertUnattended(services: Services, asker: Asker, preset: PresetTarget): void {
  const { people, access } = services
  if (people.choosableChannels !== 'none') return
  const anywhere = { ...asker, channel: null }
  const { connection, operation: what } = preset
  const canStart = decide(access.rules, anywhere, { connection, what }).isAllowed
  if (canStart && allows(services, anywhere, preset, 'schedule')) return
  throw new UserError(
    `Only a rule for this channel lets you run this, and I can't see at each run whether you're still in it: I lack the scope channels:read. Ask ${access.owner} for that scope, or for a rule of your own.`,
  )
}

async function noSuchSchedule({ db }: Services, asker: Asker, typed: string, act: string): Promise<UserError> {
  const ids = (await listSchedules(db, readerOf(asker).ids)).map(({ id }) => id)
  const near = closest(typed, ids)
  const advice = near === undefined ? 'Yours:' : 'Did you mean:'
  const instead = near === undefined ? '/clone-app schedules' : `/clone-app schedule ${act} ${near}`
  return new UserError(`You have no schedule "${brief(typed)}". ${advice}`, { instead })
}

/** @returns what the person reads. @throws UserError when there's no such schedule of theirs. */
export async function changeSchedule(
  services: Services,
  asker: Asker,
  typed: string,
  act: (typeof SCHEDULE_ACTS)[number],
): Promise<string> {
  const { db } = services
  const id = comparable(typed).replaceAll(/[^a-z0-9]/g, '')
  const schedule = await findSchedule(db, id)
  if (!schedule || !readerOf(asker).ids.includes(schedule.owner))
    throw await noSuchSchedule(services, asker, typed, act)
  const name = `\`${schedule.id}\` ("${mrkdwn(schedule.preset)}")`
  const by = { actor: asker.id, channel: asker.channel }
  if (act === 'delete') {
    await deleteSchedule(db, schedule, by, services.now())
    return `Deleted the schedule ${name}. What it cloned stays.`
  }
  const isPaused = schedule.pausedAt !== null
  if (isPaused === (act === 'pause'))
    return `The schedule ${name} is ${isPaused ? 'already paused' : 'already running'}.`
  const now = services.now()
  const read = parseCron(schedule.cron)
  const nextAt = 'cron' in read ? nextRun(read.cron, schedule.zone, now) : null
  const changed = await setPaused(db, schedule, { pausedAt: act === 'pause' ? now : null, nextAt }, by, now)
  if (!changed) throw new UserError('The schedule has just changed. Try again.')
  return act === 'pause' ? `Paused the schedule ${name}.` : `Resumed the schedule ${name}: ${nextWords(changed)}.`
}
