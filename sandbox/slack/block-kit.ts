/** Block Kit as Slack accepts it: the blocks of messages and modals with their limits, as strict schemas. */
import { z } from 'zod'

const plain = (max: number) =>
  z.strictObject({ type: z.literal('plain_text'), text: z.string().min(1).max(max), emoji: z.boolean().optional() })

const mrkdwn = (max: number) =>
  z.strictObject({ type: z.literal('mrkdwn'), text: z.string().min(1).max(max), verbatim: z.boolean().optional() })

const text = (max: number) => z.discriminatedUnion('type', [plain(max), mrkdwn(max)])

const confirm = z.strictObject({
  title: plain(100),
  text: text(300),
  confirm: plain(30),
  deny: plain(30),
  style: z.enum(['primary', 'danger']).optional(),
})

const option = z.strictObject({
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

const button = z.strictObject({
  type: z.literal('button'),
  ...actionable,
  text: plain(75),
  value: z.string().max(2000).optional(),
  url: z.string().max(3000).optional(),
  style: z.enum(['primary', 'danger']).optional(),
  confirm: confirm.optional(),
  accessibility_label: z.string().max(75).optional(),
})

const image = z
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

const selects = [
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

const inputs = [
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

const overflow = z.strictObject({
  type: z.literal('overflow'),
  ...actionable,
  options: z.array(option).min(1).max(5),
  confirm: confirm.optional(),
})
const workflowButton = z.looseObject({ type: z.literal('workflow_button'), ...actionable, text: plain(75) })

const block = { block_id: z.string().min(1).max(255).optional() }

const shared = [
  z
    .strictObject({
      type: z.literal('section'),
      ...block,
      text: text(3000).optional(),
      fields: z.array(text(2000)).min(1).max(10).optional(),
      accessory: z.discriminatedUnion('type', [button, overflow, workflowButton, image, ...selects]).optional(),
      expand: z.boolean().optional(),
    })
    .refine((section) => section.text !== undefined || section.fields !== undefined, {
      error: 'must define either `text` or `fields`',
    }),
  z.strictObject({ type: z.literal('divider'), ...block }),
  z.strictObject({ type: z.literal('header'), ...block, text: plain(150) }),
  z.strictObject({
    type: z.literal('context'),
    ...block,
    elements: z
      .array(z.discriminatedUnion('type', [plain(3000), mrkdwn(3000), image]))
      .min(1)
      .max(10),
  }),
  z.strictObject({
    type: z.literal('actions'),
    ...block,
    elements: z
      .array(z.discriminatedUnion('type', [button, overflow, workflowButton, ...selects]))
      .min(1)
      .max(25),
  }),
  z.strictObject({
    type: z.literal('input'),
    ...block,
    label: plain(2000),
    hint: plain(2000).optional(),
    optional: z.boolean().optional(),
    dispatch_action: z.boolean().optional(),
    element: z.discriminatedUnion('type', [...inputs, ...selects]),
  }),
  z.looseObject({
    type: z.literal('image'),
    ...block,
    alt_text: z.string().min(1).max(2000),
    title: plain(2000).optional(),
  }),
  z.looseObject({ type: z.literal('rich_text'), ...block, elements: z.array(z.looseObject({ type: z.string() })) }),
  z.looseObject({ type: z.literal('video'), ...block }),
] as const

const taskCard = z.strictObject({
  type: z.literal('task_card'),
  ...block,
  task_id: z.string().min(1),
  title: z.string().min(1),
  status: z.enum(['pending', 'in_progress', 'complete', 'error']),
  details: z.looseObject({ type: z.literal('rich_text') }).optional(),
  output: z.looseObject({ type: z.literal('rich_text') }).optional(),
  sources: z.array(z.strictObject({ type: z.literal('url'), url: z.string(), text: z.string() })).optional(),
})

/** The blocks of one message, at most 50. */
export const MessageBlocks = z
  .array(
    z.discriminatedUnion('type', [
      ...shared,
      taskCard,
      z.strictObject({
        type: z.literal('plan'),
        ...block,
        title: z.string().min(1),
        tasks: z.array(taskCard).optional(),
      }),
      z.strictObject({ type: z.literal('markdown'), ...block, text: z.string().min(1).max(12_000) }),
      z.looseObject({ type: z.literal('table'), ...block, rows: z.array(z.array(z.unknown()).max(20)).max(100) }),
      z.looseObject({ type: z.literal('data_table'), ...block, caption: z.string().min(1) }),
      z.looseObject({ type: z.literal('card'), ...block }),
      z.looseObject({ type: z.literal('carousel'), ...block }),
      z.looseObject({ type: z.literal('context_actions'), ...block }),
      z.looseObject({ type: z.literal('file'), ...block }),
    ]),
  )
  .max(50)

const viewBlocks = z
  .array(
    z.discriminatedUnion('type', [
      ...shared,
      z.strictObject({
        type: z.literal('alert'),
        ...block,
        text: text(3000),
        level: z.enum(['default', 'info', 'warning', 'error', 'success']).optional(),
      }),
    ]),
  )
  .max(100)

const view = {
  blocks: viewBlocks,
  private_metadata: z.string().max(3000).optional(),
  callback_id: z.string().max(255).optional(),
  external_id: z.string().max(255).optional(),
}

/** A modal as `views.open`, `views.push`, `views.update` and a submission's answer take it. */
export const Modal = z
  .strictObject({
    type: z.literal('modal'),
    ...view,
    title: plain(24),
    submit: plain(24).optional(),
    close: plain(24).optional(),
    clear_on_close: z.boolean().optional(),
    notify_on_close: z.boolean().optional(),
    submit_disabled: z.boolean().optional(),
  })
  .refine((modal) => modal.submit !== undefined || modal.blocks.every((one) => one.type !== 'input'), {
    error: 'missing required field: submit',
  })

/** An App Home tab as `views.publish` takes it. */
export const Home = z.strictObject({ type: z.literal('home'), ...view })

/** The list of an external select as the bot acknowledges an options request; it may be empty. */
export const OptionsAnswer = z.union([
  z.strictObject({ options: z.array(option).max(100) }),
  z.strictObject({
    option_groups: z.array(z.strictObject({ label: plain(75), options: z.array(option).max(100) })).max(100),
  }),
])
