/** What people type about schedules. */
import { UserError } from '../../errors.js'
import { comparable } from '../../lib/text.js'
import { scheduleList } from '../../slack/message/schedules.js'
import { listSchedules } from '../../store/schedules.js'
import { readerOf } from '../presets/access.js'
import { findNamedPreset } from '../presets/find.js'
import type { CommandRequest, Verb } from '../verb.js'
import { changeSchedule, readTimes, SCHEDULE_ACTS, schedulePreset } from './schedules.js'

const USAGE = 'schedule <preset> "<cron>" [zone] [skip]'

export const scheduleVerbs: readonly Verb[] = [
  {
    words: ['schedule'],
    usage: USAGE,
    does: 'runs a preset on a schedule; `schedule pause|resume|delete <id>` changes it',
    group: 'repeat',
    needs: ['schedule'],
    async run(request) {
      const [first = '', second, ...rest] = request.words
      const act = SCHEDULE_ACTS.find((one) => one === comparable(first))
      if (act && second !== undefined && rest.length === 0)
        return await changeSchedule(request.services, request.asker, second, act)
      return await make(request)
    },
  },
  {
    words: ['schedules'],
    usage: 'schedules',
    does: 'your schedules, to pause, resume or delete',
    group: 'repeat',
    needs: ['schedule'],
    run: async ({ services, asker }) => scheduleList(await listSchedules(services.db, readerOf(asker).ids)),
  },
]

async function make({ services, asker, words, triggerId }: CommandRequest): Promise<string> {
  const [name, ...others] = words
  // Without quotes the five fields arrive as five words.
  const count = /\s/.test(others[0] ?? '') || others[0]?.startsWith('@') ? 1 : 5
  const [cron, ends] = [others.slice(0, count).join(' '), others.slice(count)]
  const skips = ends.some((word) => comparable(word) === 'skip')
  const [zone = 'UTC', extra] = ends.filter((word) => comparable(word) !== 'skip')
  if (name === undefined || cron === '' || extra !== undefined)
    throw new UserError(`Type /clone-app ${USAGE}, such as /clone-app schedule nightly-shop "0 2 * * *" Europe/Berlin.`)
  const rest = [`"${cron}"`, ...ends].join(' ')
  const preset = await findNamedPreset(services, asker, name, (near) => `/clone-app schedule ${near} ${rest}`)
  const times = readTimes({ cron, zone }, services.now())
  const how = { missed: skips ? 'skip' : 'run', submission: `typed:${triggerId}` } as const
  return `Scheduled ${await schedulePreset(services, asker, preset, times, how)}`
}
