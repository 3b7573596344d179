/** Pure: pages 1 and 2 of the modal, drawn from an operation's fields, and notices. */
import type { Checkboxes, InputBlock, InputBlockElement, KnownBlock, ModalView, PlainTextOption } from '@slack/types'
import { NO_EXPIRY } from '../../domain/expiry.js'
import { cut, plainText } from '../../lib/text.js'
import type { Operation, Provider } from '../../providers/provider.js'
import { context, plain, section } from '../blocks.js'
import { limits, mustFit } from '../limits.js'
import { mrkdwn } from '../text.js'
import { channelInput } from './channel.js'
import { blocksOf, entriesOf, type Field, fieldsOf, isYes, reportingFields } from './fields.js'
import { KEEP_BLOCK, keepInput } from './keep.js'
import { chooseFirst, option, unansweredParents } from './options.js'
import type { ChoiceState, FormState } from './state.js'

/** Field keys can't begin with an underscore, so this block never collides with an operation's own. */
export const MENTION_BLOCK = '_mention'
export const FIELD_ACTION = /^field:/
/** For the reason why a list is missing: a modal's state must hold about a dozen of them. */
const MAX_REASON_LENGTH = 150
const ON_EVERY_CHARACTER: ['on_enter_pressed', 'on_character_entered'] = ['on_enter_pressed', 'on_character_entered']
export const callbacks = {
  choice: 'operation_choice',
  form: 'operation_form',
  preview: 'operation_preview',
  notice: 'notice',
} as const

/**
 * Draws every form of a provider once, so that a declaration that no modal can show never reaches a person.
 *
 * @throws Error naming provider, operation and field.
 */
export function assertDrawable(provider: Provider): void {
  for (const [id, operation] of Object.entries(provider.operations)) {
    try {
      const fields = fieldsOf(operation)
      const stepIds = operation.steps.map((step) => step.id)
      const duplicate = stepIds.find((stepId, at) => stepIds.indexOf(stepId) < at)
      if (duplicate !== undefined) throw new Error(`Two of its steps have the id "${duplicate}".`)
      for (const field of fields) {
        if (field.picker && !provider.pickers[field.picker]) throw new Error(`There is no picker "${field.picker}".`)
        if (field.key.startsWith('_')) throw new Error(`Field "${field.key}" begins with an underscore.`)
        const unknown = [...reportingFields([field])].find((parent) => !fields.some(({ key }) => key === parent))
        if (unknown) throw new Error(`Field "${field.key}" depends on "${unknown}", which is no field.`)
      }
      const nothing = {
        values: {},
        labels: {},
        remarks: {},
        typed: {},
        suggested: {},
        notes: {},
        channel: '',
        opening: '',
      }
      formView(operation, { connection: '', operation: id, ...nothing }, provider.name)
    } catch (error) {
      throw new Error(`${provider.name}, operation "${id}": ${error instanceof Error ? error.message : error}`)
    }
  }
}

/** Page 1: the operations, grouped by connection. It begins with the first one of the preferred connection. */
export function choiceView(
  groups: readonly { connection: string; provider: string; operations: readonly { id: string; title: string }[] }[],
  state: ChoiceState,
  preferred?: string,
): ModalView {
  const grouped = groups.slice(0, limits.optionGroups).map(({ connection, provider, operations }) => ({
    connection,
    label: plain(plainText(`${connection} · ${provider}`, limits.optionGroupLabel)),
    // A closed select doesn't show the group.
    options: operations.map(({ id, title }) =>
      option({ value: `${connection}/${id}`, label: `${title} on ${connection}` }),
    ),
  }))
  const initial = grouped.find(({ connection }) => connection === preferred)?.options[0]
  return {
    type: 'modal',
    callback_id: callbacks.choice,
    private_metadata: JSON.stringify(state),
    title: plain('Clone an app'),
    submit: plain('Next'),
    close: plain('Cancel'),
    blocks: [
      {
        type: 'input',
        block_id: 'choice',
        label: plain('What do you want to clone?'),
        element: {
          type: 'static_select',
          action_id: 'choice',
          placeholder: plain('Choose an operation'),
          option_groups: grouped.map(({ label, options }) => ({ label, options })),
          ...(initial ? { initial_option: initial } : {}),
        },
      },
    ],
  }
}

/** Page 2: the operation's own form. `provider` is the name of the connection's provider, `expiry` that connection's. */
export function formView(operation: Operation, state: FormState, provider: string, expiry = NO_EXPIRY): ModalView {
  const fields = fieldsOf(operation)
  const parents = reportingFields(fields)
  const blocks = blocksOf(fields).map(([field, ...more]) =>
    field.kind === 'yes-no'
      ? checkboxes([field, ...more], state)
      : fieldBlock(field, state, parents.has(field.key), unansweredParents(field, fields, state)),
  )
  if (blocks.length + 4 > limits.modalBlocks) throw new RangeError(`${blocks.length} fields are too many for one form.`)
  return {
    type: 'modal',
    callback_id: callbacks.form,
    private_metadata: serializeState(state, fields),
    title: plain(mustFit(operation.title, limits.modalTitle)),
    submit: plain('Next'),
    close: plain('Cancel'),
    blocks: [
      whereTo(state.connection, provider),
      ...blocks,
      ...(operation.removal ? [keepInput(expiry, state.values[KEEP_BLOCK])] : []),
      channelInput(state),
      {
        type: 'input',
        block_id: MENTION_BLOCK,
        optional: true,
        label: plain('When it finishes'),
        element: mentionBox(state),
      },
    ],
  }
}

function mentionBox({ tell = 'failure' }: FormState): Checkboxes {
  const isAlsoOnFailure = tell === 'failure' || tell === 'both'
  const also = 'Mention me when it succeeds too, not only when it fails'
  const options = [option({ value: 'yes', label: isAlsoOnFailure ? also : 'Mention me when it succeeds' })]
  const isChecked = tell === 'success' || tell === 'both'
  return { type: 'checkboxes', action_id: 'mention', options, ...(isChecked ? { initial_options: options } : {}) }
}

/** A page that only says something. `text` is escaped mrkdwn. */
export function noticeView(title: string, text: string): ModalView {
  return {
    type: 'modal',
    callback_id: callbacks.notice,
    title: plain(mustFit(title, limits.modalTitle)),
    close: plain('Close'),
    blocks: [section(text || '…')],
  }
}

/** A notice on top of a page, whose answers are still there. */
export function noticeOnTop(title: string, text: string): ModalView {
  return { ...noticeView(title, text), close: plain('Back') }
}

/** Names the connection: there may be several at one provider, and one of them production. */
export function whereTo(connection: string, provider: string): KnownBlock {
  return context(`on *${mrkdwn(connection, limits.optionText)}* (${mrkdwn(provider, limits.optionText)})`)
}

/** The hint of a text box in place of a list. */
export function typeInstead({ reason, isTransient }: { reason: string; isTransient: boolean }): string {
  const advice = isTransient ? "Type the name or ID. It's looked up when you press Next." : 'Type the ID for now.'
  return `${plainText(reason, MAX_REASON_LENGTH - advice.length - 1)} ${advice}`
}

/** Questions of yes or no, each named by what it does. */
function checkboxes([first, ...more]: readonly [Field, ...Field[]], { values }: FormState): InputBlock {
  const fields = [first, ...more]
  const boxOf = ({ key, title, description = '' }: Field) => option({ value: key, label: title, description })
  const ticked = fields.filter(({ key, initial }) => isYes(values[key] ?? initial ?? '')).map(boxOf)
  return {
    type: 'input',
    block_id: first.key,
    // An empty checkbox is an answer.
    optional: true,
    label: plain('Options'),
    element: {
      type: 'checkboxes',
      action_id: `field:${first.key}`,
      options: fields.map(boxOf),
      ...(ticked.length > 0 ? { initial_options: ticked } : {}),
    },
  }
}

function fieldBlock(field: Field, state: FormState, isParent: boolean, unmet: readonly Field[]): InputBlock {
  const reason = plainText(state.typed[field.key] ?? '', MAX_REASON_LENGTH)
  const remark = plainText(state.remarks[field.key] || state.notes[field.key] || '', limits.inputHint)
  const hint = reason || remark || [field.description, ifLeftEmpty(field, state)].filter(Boolean).join(' ')
  return {
    type: 'input',
    block_id: field.key,
    optional: !field.required || field.kind === 'pickers' || field.suggestFrom !== undefined,
    label: plain(field.title),
    ...(hint ? { hint: plain(hint) } : {}),
    ...(isParent ? { dispatch_action: true } : {}),
    element: fieldElement(field, state, isParent, unmet),
  }
}

/**
 * A suggestion stands beside its field and not in it: it arrives when the person may be typing already, and Slack shows a new
 * initial value only under a new action id, which loses what was typed.
 */
function ifLeftEmpty({ key, suggestFrom }: Field, { suggested }: FormState): string {
  if (suggestFrom === undefined) return ''
  const name = suggested[key]
  return `Leave it empty for ${name === undefined ? 'a name that is free' : plainText(name, limits.optionText)}.`
}

function fieldElement(field: Field, state: FormState, isParent: boolean, unmet: readonly Field[]): InputBlockElement {
  const { key } = field
  const initial = state.values[key] ?? field.initial
  const isTyped = state.typed[key] !== undefined
  // Slack keeps an answer across redraws as long as block id and action id stay the same. The action id therefore changes
  // with everything that makes an old answer wrong: the parent's answer, a text box in place of a list, a name looked up.
  const found = state.remarks[key] === undefined ? [] : ['found']
  const variant = isTyped
    ? 'typed'
    : [...found, ...field.dependsOn.map((parent) => state.values[parent] ?? '')].join(',')
  const action_id = cut(`field:${key}:${variant}`, 255)
  const text = initial ? { initial_value: cut(initial, limits.plainTextInput) } : {}
  if (isTyped) {
    // By default a text box reports only Enter, and people who press Tab would never see the list that depends on it.
    const report = isParent ? { dispatch_action_config: { trigger_actions_on: ON_EVERY_CHARACTER } } : {}
    return { type: 'plain_text_input', action_id, ...text, ...report, placeholder: plain('Type it here') }
  }

  switch (field.kind) {
    case 'picker':
    case 'pickers': {
      const placeholder = plain(unmet.length > 0 ? chooseFirst(unmet, limits.placeholder) : 'Type to search')
      const shared = { action_id, min_query_length: 0, placeholder }
      const known = initialOptions(field, state)
      return field.kind === 'picker'
        ? { type: 'external_select', ...shared, ...(known[0] && { initial_option: known[0] }) }
        : { type: 'multi_external_select', ...shared, ...(known.length > 0 && { initial_options: known }) }
    }
    case 'choice': {
      const options = field.choices.map((choice) => option(choice))
      const chosen = options.find(({ value }) => value === initial)
      return { type: 'static_select', action_id, options, ...(chosen ? { initial_option: chosen } : {}) }
    }
    case 'number': {
      // Slack refuses the whole form if this is no number.
      const number = /^-?\d{1,15}$/.test(initial ?? '') ? text : {}
      return { type: 'number_input', action_id, is_decimal_allowed: false, ...number }
    }
    default: {
      const max_length = Math.min(field.maxLength ?? limits.plainTextInput, limits.plainTextInput)
      const fitting = initial ? { initial_value: cut(initial, max_length) } : {}
      const suggested = plainText(state.suggested[key] ?? '', limits.placeholder)
      const shared = suggested ? { placeholder: plain(suggested) } : {}
      return { type: 'plain_text_input', action_id, multiline: field.multiline, max_length, ...shared, ...fitting }
    }
  }
}

/** The initial options of a picker: ids with their labels, and names that are not looked up yet. */
function initialOptions(field: Field, { values, labels }: FormState): PlainTextOption[] {
  const entries = entriesOf(field, values[field.key] ?? field.initial ?? '').slice(0, limits.options)
  const label = labels[field.key] ?? ''
  const lines = field.kind === 'pickers' ? label.split('\n') : [label]
  return entries.map((value, at) => option({ value, label: (entries.length === lines.length && lines[at]) || value }))
}

/**
 * The state as the modal carries it. If it is too long, reasons are cut first, then values and labels are left out, last
 * those of fields that others depend on.
 */
function serializeState(state: FormState, fields: readonly Field[]): string {
  const parents = reportingFields(fields)
  const isTyped = fields.map(({ key }) => key).filter((key) => state.typed[key] !== undefined)
  const reasons = isTyped.map((key) => [key, plainText(state.typed[key] ?? '', MAX_REASON_LENGTH)])
  const typed = Object.fromEntries(reasons)
  const ofParents = Object.entries(state.values).filter(
    ([key, value]) => parents.has(key) && value.length <= limits.optionValue,
  )
  // Keeps that a name was looked up even if there is no room for what was found.
  const remarks = Object.fromEntries(fields.flatMap(({ key }) => (state.remarks[key] === undefined ? [] : [[key, '']])))
  const candidates = [
    { ...state, typed },
    { ...state, typed, remarks, notes: {}, values: Object.fromEntries(ofParents), labels: {} },
    {
      ...state,
      typed: Object.fromEntries(isTyped.map((key) => [key, ''])),
      remarks,
      suggested: {},
      notes: {},
      values: {},
      labels: {},
    },
  ].map((candidate) => JSON.stringify(candidate))
  return candidates.find(({ length }) => length <= limits.privateMetadata) ?? candidates.at(-1) ?? ''
}
