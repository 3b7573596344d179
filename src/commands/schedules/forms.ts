/** "Run nightly…" below a job, its page, and the buttons of the list. */
import type { App, ViewOutput, ViewResponseAction } from '@slack/bolt'
import type { Asker } from '../../access/rules.js'
import { type Preset, presetNameOf } from '../../domain/preset.js'
import { UserError } from '../../errors.js'
import { readPresetAnswers } from '../../slack/form/preset-view.js'
import {
  CRON_BLOCK,
  CUSTOM,
  SCHEDULE_CALLBACK,
  ScheduleFormState,
  scheduleView,
  WHEN_BLOCK,
  ZONE_BLOCK,
} from '../../slack/form/schedule-view.js'
import { noticeView } from '../../slack/form/view.js'
import { ownName } from '../../slack/text.js'
import { savePreset } from '../../store/presets.js'
import { identifyAsker, type Origin } from '../authorize.js'
import { submissionOf } from '../clone/start-job.js'
import type { JobButton } from '../job-button.js'
import { presetsFor } from '../presets/find.js'
import { pageButton, readRepeated, registerListButtons, registerPage } from '../presets/pages.js'
import { type Content, withNames } from '../presets/save.js'
import { readFormState, type Services } from '../services.js'
import type { Throttle } from '../throttle.js'
import { assertCanSchedule, changeSchedule, readTimes, SCHEDULE_ACTS, schedulePreset } from './schedules.js'

export const scheduleButtons: readonly JobButton[] = [
  pageButton('schedule', async ({ services, asker }, content, names, about) => {
    await assertCanSchedule(services, asker, content)
    return scheduleView(about, names)
  }),
]

export function registerSchedules(app: App, services: Services, throttle: Throttle): void {
  const page = { callback_id: SCHEDULE_CALLBACK, block: WHEN_BLOCK, button: 'Schedule', mayBeThird: false }
  registerPage(app, services, throttle, page, async (view, origin) => await submit(services, view, origin))
  registerListButtons(app, services, /^schedule:(pause|resume|delete)$/, async ({ asker }, { id, value }) => {
    const act = SCHEDULE_ACTS.find((one) => id === `schedule:${one}`)
    return act ? await changeSchedule(services, asker, value, act) : null
  })
}

async function submit(services: Services, view: ViewOutput, origin: Origin): Promise<ViewResponseAction> {
  const about = readFormState(ScheduleFormState, view)
  const { texts, names } = readPresetAnswers(view.state.values)
  const { asker, content: repeated } = await readRepeated(services, await identifyAsker(services, origin), about)
  const content = withNames(services, repeated, names)
  const chosen = texts[WHEN_BLOCK] ?? ''
  const cron = chosen === CUSTOM ? (texts[CRON_BLOCK] ?? '') : chosen
  // All that can be refused comes before the preset is saved.
  await assertCanSchedule(services, asker, content)
  const times = readTimes({ cron, zone: texts[ZONE_BLOCK] || 'UTC' }, services.now())
  const preset = await presetFor(services, asker, content, about.job)
  const answer = await schedulePreset(services, asker, preset, times, { missed: 'run', submission: submissionOf(view) })
  return { response_action: 'update', view: noticeView('Scheduled', answer) }
}

/** The preset that a job's schedules run: it is saved with the first of them, under a name that tells what it repeats. */
async function presetFor(services: Services, asker: Asker, content: Content, job: string): Promise<Preset> {
  const presets = await presetsFor(services, asker)
  const own = presets.filter(({ scope }) => scope === 'person')
  const wantedValues = JSON.stringify(content.values)
  const same = own.find(({ repeats, values }) => repeats === job && JSON.stringify(values) === wantedValues)
  if (same) return same
  const base = presetNameOf(`${ownName(content.source)}-${content.operation}`)
  const names = [base, ...own.map((_, at) => `${base}-${at + 2}`)]
  const name = names.find((free) => presets.every((preset) => preset.name !== free)) ?? `${content.operation}-${job}`
  const wanted = { ...content, name, scope: 'person', owner: asker.id, repeats: job, createdBy: asker.id } as const
  const saving = await savePreset(services.db, wanted, asker.channel, services.now())
  if (saving.kind === 'full')
    throw new UserError('You have too many presets to save another one. Delete one first: /clone-app presets.')
  return saving.preset
}
