/** "Run nightly…" below a job, its page, and the buttons of the list. */
import type { App, BlockAction, ButtonAction, ViewOutput, ViewResponseAction } from '@slack/bolt'
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
import { listPresets, savePreset } from '../../store/presets.js'
import { answerPrivately, errorText } from '../answer.js'
import {
  AFTER_ACK_TIMEOUT_MS,
  identifyAsker,
  type Origin,
  readOpeningChannel,
  saveOpeningChannel,
} from '../authorize.js'
import { answerSubmission } from '../clone/form-submit.js'
import type { JobButton } from '../job-button.js'
import { readerOf } from '../presets/access.js'
import { type Content, contentOfJob, namesOf, withNames } from '../presets/save.js'
import { findTarget, readFormState, type Services } from '../services.js'
import { type Throttle, tooManyRequests } from '../throttle.js'
import { assertCanSchedule, changeSchedule, readTimes, schedulePreset } from './schedules.js'

export const scheduleButtons: readonly JobButton[] = [
  {
    word: 'schedule',
    async press({ services, client, asker, jobId, triggerId: trigger_id }) {
      const content = await contentOfJob(services, asker, jobId)
      await assertCanSchedule(services, asker, content)
      const { operation } = findTarget(services, content.connection, content.operation)
      const opening = await saveOpeningChannel(services, asker.id, asker.channel ?? '')
      const view = scheduleView({ job: jobId, opening }, namesOf(operation, content.values))
      await client.views.open({ trigger_id, view })
      return null
    },
  },
]

export function registerSchedules(app: App, services: Services, throttle: Throttle): void {
  app.view({ callback_id: SCHEDULE_CALLBACK, type: 'view_submission' }, async ({ ack, view, body }) => {
    const { waitMs } = throttle.take(body.user.id, services.elapsed())
    const problem = tooManyRequests(waitMs, 'press Schedule again')
    if (waitMs > 0) return await ack({ response_action: 'errors', errors: { [WHEN_BLOCK]: problem } })
    await ack(await answerSubmission(services, async () => await submit(services, view, body)))
  })
  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: /^schedule:(pause|resume|delete)$/ },
    async ({ ack, action, body, respond }) => {
      await ack()
      try {
        const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
        const act = (['pause', 'resume', 'delete'] as const).find((one) => action.action_id === `schedule:${one}`)
        if (act)
          await answerPrivately(services, respond, await changeSchedule(services, asker, action.value ?? '', act))
      } catch (error) {
        await answerPrivately(services, respond, errorText(services, error))
      }
    },
  )
}

async function submit(services: Services, view: ViewOutput, origin: Origin): Promise<ViewResponseAction> {
  const { job, opening } = readFormState(ScheduleFormState, view)
  const person = await identifyAsker(services, origin)
  const asker = { ...person, channel: (await readOpeningChannel(services, person.id, opening)) || null }
  const { texts, names } = readPresetAnswers(view.state.values)
  const content = withNames(services, await contentOfJob(services, asker, job), names)
  const chosen = texts[WHEN_BLOCK] ?? ''
  const cron = chosen === CUSTOM ? (texts[CRON_BLOCK] ?? '') : chosen
  // All that can be refused comes before the preset is saved.
  await assertCanSchedule(services, asker, content)
  const times = readTimes({ cron, zone: texts[ZONE_BLOCK] || 'UTC' }, services.now())
  const preset = await presetFor(services, asker, content, job)
  const answer = await schedulePreset(services, asker, preset, times, 'run')
  return { response_action: 'update', view: noticeView('Scheduled', answer) }
}

/** The preset that a job's schedules run: it is saved with the first of them, under a name that tells what it repeats. */
async function presetFor(services: Services, asker: Asker, content: Content, job: string): Promise<Preset> {
  const presets = await listPresets(services.db, readerOf(asker))
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
