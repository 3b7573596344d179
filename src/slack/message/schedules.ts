/** Pure: a list of schedules, with what a person can do to each. */
import type { Button, KnownBlock } from '@slack/types'
import type { Schedule } from '../../domain/schedule.js'
import { button, context, name, plain, section } from '../blocks.js'
import { fromTo, mrkdwn } from '../text.js'
import type { Message } from './job.js'

/** Their value is the schedule's id, which is only a hint. */
export const scheduleActions = {
  pause: 'schedule:pause',
  resume: 'schedule:resume',
  delete: 'schedule:delete',
} as const

/** As many as one message has blocks for. */
const MAX_SHOWN = 20

export function scheduleList(schedules: readonly Schedule[]): Message {
  if (schedules.length === 0) {
    const text =
      'No schedules yet. Press *Run nightly…* on a job, or type `/clone-app schedule <preset> "0 2 * * *" Europe/Berlin`.'
    return { text, blocks: [section(text.replaceAll('<', '&lt;').replaceAll('>', '&gt;'))] }
  }
  const head = "*Your schedules.* I check your access at each run, and tell you in a thread if one can't start."
  const blocks = schedules
    .slice(0, MAX_SHOWN)
    .flatMap((schedule): KnownBlock[] => [
      section(scheduleLine(schedule)),
      { type: 'actions', block_id: `schedule:${schedule.id}`, elements: buttonsOf(schedule) },
    ])
  const left = schedules.length - MAX_SHOWN
  const more = left > 0 ? [context(`…and ${left} more.`)] : []
  return {
    text: [head, ...schedules.map(scheduleLine)].slice(0, 30).join('\n'),
    blocks: [section(head), ...blocks, ...more],
  }
}

/** One line about a schedule, as mrkdwn: what it runs, when, and how the last run went. */
export function scheduleLine({ id, preset, cron, zone, source, target, connection, ...schedule }: Schedule): string {
  const what = mrkdwn(fromTo(source, target, 200), 200)
  const failed = schedule.failures === 0 ? '' : ` · the last ${schedule.failures} couldn't start`
  const last = schedule.lastJob === null ? '' : ` · last job \`${schedule.lastJob}\``
  const when = `\`${mrkdwn(cron).replaceAll('∗', '*')}\` (${mrkdwn(zone)})`
  return `\`${id}\` *${mrkdwn(preset)}* – ${what} on ${name(connection)} · ${when} · ${nextWords(schedule)}${last}${failed}`
}

/** "next run <time>", in the reader's own zone. */
export function nextWords({ nextAt, pausedAt }: Pick<Schedule, 'nextAt' | 'pausedAt'>): string {
  if (pausedAt !== null) return 'paused'
  if (nextAt === null) return 'no more runs'
  const fallback = new Date(nextAt).toISOString().slice(0, 16).replace('T', ' ')
  return `next run <!date^${Math.floor(nextAt / 1000)}^{date_short_pretty} at {time}|${fallback} UTC>`
}

function buttonsOf({ id, pausedAt }: Schedule): Button[] {
  const confirm = {
    title: plain('Delete this schedule?'),
    text: plain("It won't run again. What it cloned stays, and so does its preset."),
    confirm: plain('Delete schedule'),
    deny: plain('Not now'),
    style: 'danger',
  } as const
  return [
    pausedAt === null ? button(scheduleActions.pause, 'Pause', id) : button(scheduleActions.resume, 'Resume', id),
    { ...button(scheduleActions.delete, 'Delete', id), confirm },
  ]
}
