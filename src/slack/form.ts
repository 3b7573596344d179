/** Pure: the three pages of the modal, drawn from an operation's fields. */
import type {
  InputBlock,
  InputBlockElement,
  KnownBlock,
  ModalView,
  PlainTextElement,
  PlainTextOption,
} from '@slack/types'
import { z } from 'zod'
import type { Operation, Option, Preview, Provider } from '../providers/provider.js'
import { type Field, fieldsOf } from './fields.js'
import { cut, limits, mustFit } from './limits.js'
import { mrkdwn, plainText } from './message.js'

/**
 * What the modal remembers between two requests, in `private_metadata`. It comes back through the person's client, so it
 * is a memory, not a fact: whatever it names is looked up and checked again.
 */
export const FormState = z.object({
  connection: z.string().max(100),
  operation: z.string().max(100),
  /** Answers that other fields' lists depend on, and what the command text already said, by field. */
  values: z.record(z.string(), z.string()),
  /** What a person reads for such a value, by field. */
  labels: z.record(z.string(), z.string()),
  /** Fields whose list cannot be had, with the reason: they take a typed id instead. */
  typed: z.record(z.string(), z.string()),
  /** Where the command was typed; the updates go there unless the form says otherwise. No rule trusts it: see `opening`. */
  channel: z.string().regex(/^[A-Z0-9]{0,40}$/),
  /** Key of the row that says where the command was typed, for that person alone. */
  opening: z.string().max(100),
})
export type FormState = z.infer<typeof FormState>

/** What page 1 remembers. */
export const ChoiceState = FormState.pick({ channel: true, opening: true })

/** What a modal remembered, or undefined when it is not a memory of that kind. */
export function readMemory<T>(memory: z.ZodType<T>, privateMetadata: string): T | undefined {
  try {
    return memory.safeParse(JSON.parse(privateMetadata)).data
  } catch {
    return undefined
  }
}

/** Field keys cannot begin with this, so these blocks never collide with an operation's own. */
export const channelBlock = '_channel'
export const mentionBlock = '_mention'
export const fieldAction = /^field:/
const formCallback = 'operation_form'
/** A vendor's reason, of which up to a dozen must fit into what a modal carries. */
const longestReason = 150
const onEveryCharacter: ['on_enter_pressed', 'on_character_entered'] = ['on_enter_pressed', 'on_character_entered']
const previewCallback = 'operation_preview'
export const callbacks = { choice: 'operation_choice', form: formCallback, preview: previewCallback, notice: 'notice' }

/**
 * Draws every form of a provider once, so that a declaration no modal can show stops the start and not a person.
 *
 * @throws Error naming provider, operation and field.
 */
export function assertDrawable(provider: Provider): void {
  for (const [id, operation] of Object.entries(provider.operations)) {
    try {
      const fields = fieldsOf(operation)
      for (const field of fields) {
        if (field.picker && !provider.pickers[field.picker]) throw new Error(`There is no picker "${field.picker}".`)
        if (field.key.startsWith('_')) throw new Error(`Field "${field.key}" begins with an underscore.`)
        const stranger = field.dependsOn.find((parent) => !fields.some(({ key }) => key === parent))
        if (stranger) throw new Error(`Field "${field.key}" depends on "${stranger}", which is no field.`)
      }
      formView(operation, {
        connection: '',
        operation: id,
        values: {},
        labels: {},
        typed: {},
        channel: '',
        opening: '',
      })
    } catch (error) {
      throw new Error(`${provider.name}, operation "${id}": ${error instanceof Error ? error.message : error}`)
    }
  }
}

/** Page 1: what to do, grouped by connection. */
export function choiceView(
  groups: readonly { connection: string; provider: string; operations: readonly { id: string; title: string }[] }[],
  from: { channel: string; opening: string },
): ModalView {
  return {
    type: 'modal',
    callback_id: callbacks.choice,
    private_metadata: JSON.stringify(from),
    title: plain('Clone an app'),
    submit: plain('Next'),
    close: plain('Cancel'),
    blocks: [
      {
        type: 'input',
        block_id: 'choice',
        label: plain('What shall Dolly do?'),
        element: {
          type: 'static_select',
          action_id: 'choice',
          placeholder: plain('Choose a connection and what to do there'),
          option_groups: groups.slice(0, limits.optionGroups).map(({ connection, provider, operations }) => ({
            label: plain(plainText(`${connection} · ${provider}`, limits.optionGroupLabel)),
            options: operations.map(({ id, title }) => option({ value: `${connection}/${id}`, label: title })),
          })),
        },
      },
    ],
  }
}

/** Page 2: the operation's own form. */
export function formView(operation: Operation, state: FormState): ModalView {
  const fields = fieldsOf(operation)
  const parents = new Set(fields.flatMap((field) => field.dependsOn))
  const blocks = fields.map((field) => fieldBlock(field, state, parents.has(field.key)))
  if (blocks.length + 1 > limits.modalBlocks) throw new RangeError(`${blocks.length} fields are too many for one form.`)
  return {
    type: 'modal',
    callback_id: callbacks.form,
    private_metadata: memoryOf(state, fields),
    title: plain(mustFit(operation.title, limits.modalTitle)),
    submit: plain('Next'),
    close: plain('Cancel'),
    blocks: [
      ...blocks,
      {
        type: 'input',
        block_id: channelBlock,
        label: plain('Post updates to'),
        hint: plain('One message shows how it stands, its thread tells the rest. Dolly must be a member there.'),
        element: {
          type: 'conversations_select',
          action_id: 'channel',
          ...(state.channel === ''
            ? { default_to_current_conversation: true }
            : { initial_conversation: state.channel }),
        },
      },
      {
        type: 'input',
        block_id: mentionBlock,
        optional: true,
        label: plain('When it is done'),
        element: {
          type: 'checkboxes',
          action_id: 'mention',
          options: [option({ value: 'yes', label: 'Mention me, and not only when it fails' })],
        },
      },
    ],
  }
}

/** Page 3: what will be done, said once more before it is. `draft` is the key to the answers of page 2. */
export function previewView(
  operation: Operation,
  what: { from: string; to: string },
  preview: Preview,
  draft: string,
): ModalView {
  const paragraph = (title: string, text: string): KnownBlock => ({
    type: 'section',
    text: { type: 'mrkdwn', verbatim: true, text: cut(`*${title}*\n${mrkdwn(text)}`, limits.sectionText) },
  })
  return {
    type: 'modal',
    callback_id: callbacks.preview,
    private_metadata: draft,
    title: plain(mustFit(operation.title, limits.modalTitle)),
    submit: plain(preview.warning ? 'Do it anyway' : 'Start'),
    close: plain('Back'),
    blocks: [
      { type: 'header', text: plain(plainText(`${what.from} → ${what.to}`, limits.headerText)) },
      ...(preview.warning ? [paragraph('Mind this', preview.warning)] : []),
      paragraph('Copied', preview.copied),
      paragraph('Not copied', preview.notCopied),
    ],
  }
}

/** A last page that only says something. `text` is mrkdwn, already escaped. */
export function noticeView(title: string, text: string): ModalView {
  return {
    type: 'modal',
    callback_id: callbacks.notice,
    title: plain(mustFit(title, limits.modalTitle)),
    close: plain('Close'),
    blocks: [{ type: 'section', text: { type: 'mrkdwn', verbatim: true, text: cut(text || '…', limits.sectionText) } }],
  }
}

/** At most a hundred options that contain every word of the query, shortest label first when there is a query. */
export function searchOptions(options: readonly Option[], query: string): PlainTextOption[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const found = options
    // A value that would not come back as it is cannot be chosen.
    .filter(({ value }) => value !== '' && value === cut(value, limits.optionValue))
    .filter(({ value, label, description = '' }) => {
      const text = `${label} ${description} ${value}`.toLowerCase()
      return words.every((word) => text.includes(word))
    })
  if (words.length > 0) found.sort((one, other) => one.label.length - other.label.length)
  return found.slice(0, limits.options).map(option)
}

/** Value of that entry. */
export const noAnswerValue = '!'

/** An entry that only says why there is no list. Choosing it answers nothing. */
export function noAnswer(text: string): PlainTextOption {
  return { text: plain(mustFit(text, limits.optionText)), value: noAnswerValue }
}

function fieldBlock(field: Field, state: FormState, isParent: boolean): InputBlock {
  const reason = plainText(state.typed[field.key] ?? '', longestReason)
  const hint = reason ? cut(`${reason} Type the id instead.`, limits.inputHint) : field.description
  return {
    type: 'input',
    block_id: field.key,
    // A checkbox is answered by leaving it alone.
    optional: !field.required || field.kind === 'yes-no' || field.kind === 'pickers',
    label: plain(field.title),
    ...(hint ? { hint: plain(hint) } : {}),
    ...(isParent ? { dispatch_action: true } : {}),
    element: fieldElement(field, state, isParent),
  }
}

function fieldElement(field: Field, state: FormState, isParent: boolean): InputBlockElement {
  const { key } = field
  const initial = state.values[key] ?? field.initial
  const isTyped = state.typed[key] !== undefined
  // Slack keeps what was chosen as long as both ids stay the same. A child's choice must not outlive its parent's, and a
  // text box must not inherit a list's, so the action id carries what the field depends on.
  const variant = isTyped ? 'typed' : field.dependsOn.map((parent) => state.values[parent] ?? '').join(',')
  const action_id = cut(`field:${key}:${variant}`, 255)
  const text = initial ? { initial_value: cut(initial, limits.plainTextInput) } : {}
  if (isTyped) {
    // By itself a text box reports only Enter, and whoever tabs on would never see the list that depends on it.
    const report = isParent ? { dispatch_action_config: { trigger_actions_on: onEveryCharacter } } : {}
    return { type: 'plain_text_input', action_id, ...text, ...report, placeholder: plain('Type an id') }
  }

  switch (field.kind) {
    case 'picker':
    case 'pickers': {
      const placeholder = plain(waitsFor(field, state) ? 'Choose the field it depends on first' : 'Type to search')
      const known = initial ? [option({ value: initial, label: state.labels[key] ?? initial })] : []
      return field.kind === 'picker'
        ? {
            type: 'external_select',
            action_id,
            min_query_length: 0,
            placeholder,
            ...(known[0] && { initial_option: known[0] }),
          }
        : { type: 'multi_external_select', action_id, min_query_length: 0, placeholder }
    }
    case 'choice': {
      const options = field.choices.map((choice) => option(choice))
      const chosen = options.find(({ value }) => value === initial)
      return { type: 'static_select', action_id, options, ...(chosen ? { initial_option: chosen } : {}) }
    }
    case 'yes-no': {
      const options = [option({ value: 'yes', label: 'Yes' })]
      return { type: 'checkboxes', action_id, options, ...(isYes(initial) ? { initial_options: options } : {}) }
    }
    case 'number': {
      // Slack refuses the whole form for a number that is none.
      const number = /^-?\d{1,15}$/.test(initial ?? '') ? text : {}
      return { type: 'number_input', action_id, is_decimal_allowed: false, ...number }
    }
    case 'text': {
      const max_length = Math.min(field.maxLength ?? limits.plainTextInput, limits.plainTextInput)
      const fitting = initial ? { initial_value: cut(initial, max_length) } : {}
      return { type: 'plain_text_input', action_id, multiline: field.multiline, max_length, ...fitting }
    }
  }
}

/**
 * What the modal carries. Vendors' reasons and people's values are cut or left out where all of it would be too long; the
 * fields that others depend on stay as long as they can.
 */
function memoryOf(state: FormState, fields: readonly Field[]): string {
  const parents = new Set(fields.flatMap((field) => field.dependsOn))
  const isTyped = fields.map(({ key }) => key).filter((key) => state.typed[key] !== undefined)
  const reasons = isTyped.map((key) => [key, plainText(state.typed[key] ?? '', longestReason)])
  const typed = Object.fromEntries(reasons)
  const ofParents = Object.entries(state.values).filter(
    ([key, value]) => parents.has(key) && value.length <= limits.optionValue,
  )
  const memories = [
    { ...state, typed },
    { ...state, typed, values: Object.fromEntries(ofParents), labels: {} },
    { ...state, typed: Object.fromEntries(isTyped.map((key) => [key, ''])), values: {}, labels: {} },
  ].map((memory) => JSON.stringify(memory))
  return memories.find((memory) => memory.length <= limits.privateMetadata) ?? memories.at(-1) ?? ''
}

/** Whether a field's list cannot be asked for yet. */
export function waitsFor(field: Field, state: Pick<FormState, 'values'>): boolean {
  return field.dependsOn.some((parent) => !state.values[parent])
}

function isYes(text: string | undefined): boolean {
  return text !== undefined && /^(true|yes|y|1|on)$/i.test(text)
}

function option({ value, label, description = '' }: Option): PlainTextOption {
  const text = plainText(label, limits.optionText) || plainText(value, limits.optionText) || '?'
  const remark = plainText(description, limits.optionDescription)
  return {
    text: plain(text),
    value: cut(value, limits.optionValue),
    ...(remark ? { description: plain(remark) } : {}),
  }
}

function plain(text: string): PlainTextElement {
  return { type: 'plain_text', text, emoji: false }
}
