/** Block Kit as Slack accepts it: the blocks of messages, modals and home tabs with their limits, as strict schemas. */
import { z } from 'zod'
import {
  button,
  image,
  inputs,
  mrkdwn,
  option,
  overflow,
  plain,
  selects,
  text,
  workflowButton,
} from './block-elements.js'

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

/** What a task says besides its title: one rich text of exactly one element. */
const richText = z.strictObject({
  type: z.literal('rich_text'),
  ...block,
  elements: z.array(z.looseObject({ type: z.string() })).length(1),
})

const taskCard = z.strictObject({
  type: z.literal('task_card'),
  ...block,
  task_id: z.string().min(1),
  title: z.string().min(1),
  status: z.enum(['pending', 'in_progress', 'complete', 'error']),
  details: richText.optional(),
  output: richText.optional(),
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

const alert = z.strictObject({
  type: z.literal('alert'),
  ...block,
  text: text(3000),
  level: z.enum(['default', 'info', 'warning', 'error', 'success']).optional(),
})

const MAX_VIEW_BLOCKS = 100
const modalBlocks = z.array(z.discriminatedUnion('type', [...shared, alert])).max(MAX_VIEW_BLOCKS)
const homeBlocks = z.array(z.discriminatedUnion('type', shared)).max(MAX_VIEW_BLOCKS)

const view = {
  private_metadata: z.string().max(3000).optional(),
  callback_id: z.string().max(255).optional(),
  external_id: z.string().max(255).optional(),
}

/** A modal as `views.open`, `views.push`, `views.update` and a submission's answer take it. */
export const Modal = z
  .strictObject({
    type: z.literal('modal'),
    blocks: modalBlocks,
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
export const Home = z.strictObject({ type: z.literal('home'), blocks: homeBlocks, ...view })

/** The list of an external select as the bot acknowledges an options request; it may be empty. */
export const OptionsAnswer = z.union([
  z.strictObject({ options: z.array(option).max(100) }),
  z.strictObject({
    option_groups: z.array(z.strictObject({ label: plain(75), options: z.array(option).max(100) })).max(100),
  }),
])
