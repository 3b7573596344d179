/** Block Kit's texts, options and elements as Slack accepts them, with their limits, as strict schemas. */
import { z } from 'zod'

export const plain = (max: number) =>
  z.strictObject({ type: z.literal('plain_text'), text: z.string().min(1).max(max), emoji: z.boolean().optional() })

export const mrkdwn = (max: number) =>
  z.strictObject({ type: z.literal('mrkdwn'), text: z.string().min(1).max(max), verbatim: z.boolean().optional() })

export const text = (max: number) => z.discriminatedUnion('type', [plain(max), mrkdwn(max)])

const confirm = z.strictObject({
  title: plain(100),
  text: text(300),
  confirm: plain(30),
  deny: plain(30),
  style: z.enum(['primary', 'danger']).optional(),
})

export const option = z.strictObject({
  text: plain(75),
  value: z.string().min(1).max(150),
  description: plain(75).optional(),
  url: z.string().max(3000).optional(),
})
/** Check boxes and radio buttons alone may carry mrkdwn. */
const markedOption = z.strictObject({ ...option.shape, text: text(75), description: text(75).optional() })
const options = z.array(option).min(1).max(100)
const optionGroups = z
  .array(z.strictObject({ label: plain(75), options }))
  .min(1)
  .max(100)

const actionable = { action_id: z.string().min(1).max(255).optional() }
const ticked = { ...actionable, focus_on_load: z.boolean().optional(), confirm: confirm.optional() }
const choice = { ...ticked, placeholder: plain(150).optional() }
const many = { max_selected_items: z.number().int().min(1).optional() }
const written = {
  ...actionable,
  placeholder: plain(150).optional(),
  focus_on_load: z.boolean().optional(),
  dispatch_action_config: z
    .strictObject({ trigger_actions_on: z.array(z.enum(['on_enter_pressed', 'on_character_entered'])).optional() })
    .optional(),
}
const filter = z.looseObject({}).optional()

export const button = z.strictObject({
  type: z.literal('button'),
  ...actionable,
  text: plain(75),
  value: z.string().max(2000).optional(),
  url: z.string().max(3000).optional(),
  style: z.enum(['primary', 'danger']).optional(),
  confirm: confirm.optional(),
  accessibility_label: z.string().max(75).optional(),
})

export const image = z
  .strictObject({
    type: z.literal('image'),
    image_url: z.string().max(3000).optional(),
    slack_file: z.looseObject({}).optional(),
    alt_text: z.string().min(1).max(2000),
  })
  .refine((element) => (element.image_url === undefined) !== (element.slack_file === undefined), {
    error: 'must define either `image_url` or `slack_file`',
  })

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

/** Slack refuses a whole view when an initial option is not, letter for letter, one of the options. */
const listed = (element: {
  options?: readonly unknown[] | undefined
  option_groups?: readonly { options: readonly unknown[] }[] | undefined
  initial_option?: unknown
  initial_options?: readonly unknown[] | undefined
}) => {
  const all = element.options ?? element.option_groups?.flatMap((group) => group.options) ?? []
  const initial = [element.initial_option, ...(element.initial_options ?? [])].filter((one) => one !== undefined)
  return initial.every((one) => all.some((other) => same(one, other)))
}
const notListed = { error: 'initial option must be one of the provided options' }

const eitherList = (element: { options?: unknown; option_groups?: unknown }) =>
  (element.options === undefined) !== (element.option_groups === undefined)
const notEither = { error: 'must define either `options` or `option_groups`' }

const lists = { options: options.optional(), option_groups: optionGroups.optional() }

export const selects = [
  z
    .strictObject({ type: z.literal('static_select'), ...choice, ...lists, initial_option: option.optional() })
    .refine(eitherList, notEither)
    .refine(listed, notListed),
  z
    .strictObject({
      type: z.literal('multi_static_select'),
      ...choice,
      ...many,
      ...lists,
      initial_options: options.optional(),
    })
    .refine(eitherList, notEither)
    .refine(listed, notListed),
  z.strictObject({
    type: z.literal('external_select'),
    ...choice,
    min_query_length: z.number().int().min(0).optional(),
    initial_option: option.optional(),
  }),
  z.strictObject({
    type: z.literal('multi_external_select'),
    ...choice,
    ...many,
    min_query_length: z.number().int().min(0).optional(),
    initial_options: options.optional(),
  }),
  z.strictObject({ type: z.literal('users_select'), ...choice, initial_user: z.string().optional() }),
  z.strictObject({
    type: z.literal('multi_users_select'),
    ...choice,
    ...many,
    initial_users: z.array(z.string()).optional(),
  }),
  z.strictObject({
    type: z.literal('conversations_select'),
    ...choice,
    filter,
    initial_conversation: z.string().optional(),
    default_to_current_conversation: z.boolean().optional(),
    response_url_enabled: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('channels_select'),
    ...choice,
    initial_channel: z.string().optional(),
    response_url_enabled: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('datepicker'), ...choice, initial_date: z.iso.date().optional() }),
  z.strictObject({
    type: z.literal('timepicker'),
    ...choice,
    initial_time: z.string().optional(),
    timezone: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('datetimepicker'), ...choice, initial_date_time: z.number().optional() }),
  z
    .strictObject({
      type: z.literal('checkboxes'),
      ...ticked,
      options: z.array(markedOption).min(1).max(10),
      initial_options: z.array(markedOption).min(1).optional(),
    })
    .refine(listed, notListed),
  z
    .strictObject({
      type: z.literal('radio_buttons'),
      ...ticked,
      options: z.array(markedOption).min(1).max(10),
      initial_option: markedOption.optional(),
    })
    .refine(listed, notListed),
] as const

export const inputs = [
  z.strictObject({
    type: z.literal('plain_text_input'),
    ...written,
    initial_value: z.string().max(3000).optional(),
    multiline: z.boolean().optional(),
    min_length: z.number().int().min(0).max(3000).optional(),
    max_length: z.number().int().min(1).max(3000).optional(),
  }),
  z.strictObject({
    type: z.literal('number_input'),
    ...written,
    is_decimal_allowed: z.boolean(),
    initial_value: z.string().optional(),
    min_value: z.string().optional(),
    max_value: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('email_text_input'), ...written, initial_value: z.string().optional() }),
  z.strictObject({ type: z.literal('url_text_input'), ...written, initial_value: z.string().optional() }),
  z.looseObject({ type: z.literal('rich_text_input'), ...actionable }),
] as const

export const overflow = z.strictObject({
  type: z.literal('overflow'),
  ...actionable,
  options: z.array(option).min(1).max(5),
  confirm: confirm.optional(),
})
export const workflowButton = z.looseObject({ type: z.literal('workflow_button'), ...actionable, text: plain(75) })
