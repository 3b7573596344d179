/** Pure: the page that repeats a job on a schedule. Submitted as it opens, it runs every night. */
import type { ModalView } from '@slack/types'
import { z } from 'zod'
import { plain } from '../blocks.js'
import { option } from './options.js'
import { type NameField, nameInput } from './preset-view.js'

export const SCHEDULE_CALLBACK = 'schedule_save'
export const WHEN_BLOCK = 'when'
export const CRON_BLOCK = 'cron'
export const ZONE_BLOCK = 'zone'
/** The choice of `WHEN_BLOCK` that `CRON_BLOCK` goes with. */
export const CUSTOM = 'custom'

/** The job that is repeated, and the key of the row that says where the page was opened. Nothing may trust it. */
export const ScheduleFormState = z.object({ job: z.string().max(100), opening: z.string().max(100) })

const TIMES = [
  { value: '0 2 * * *', label: 'Every night at 02:00' },
  { value: '0 2 * * 1-5', label: 'Monday to Friday at 02:00' },
  { value: '0 2 * * 1', label: 'Every Monday at 02:00' },
  { value: CUSTOM, label: 'At other times, as a cron expression' },
]

export function scheduleView(state: z.infer<typeof ScheduleFormState>, names: readonly NameField[]): ModalView {
  const options = TIMES.map(option)
  const [nightly] = options
  return {
    type: 'modal',
    callback_id: SCHEDULE_CALLBACK,
    private_metadata: JSON.stringify(state),
    title: plain('Run on a schedule'),
    submit: plain('Schedule'),
    close: plain('Cancel'),
    blocks: [
      {
        type: 'input',
        block_id: WHEN_BLOCK,
        label: plain('When'),
        element: { type: 'static_select', action_id: 'when', options, ...(nightly && { initial_option: nightly }) },
      },
      {
        type: 'input',
        block_id: CRON_BLOCK,
        optional: true,
        label: plain('Cron expression'),
        hint: plain('Only for other times: minute, hour, day, month and weekday, such as 30 4 * * 1-5.'),
        element: { type: 'plain_text_input', action_id: 'cron', max_length: 100 },
      },
      {
        type: 'input',
        block_id: ZONE_BLOCK,
        label: plain('Time zone'),
        hint: plain('Such as Europe/Berlin. If the clocks skip a time in spring, it runs when they change.'),
        element: { type: 'plain_text_input', action_id: 'zone', initial_value: 'UTC', max_length: 60 },
      },
      ...names.map(nameInput),
    ],
  }
}
