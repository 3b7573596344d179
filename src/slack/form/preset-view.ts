/** Pure: the page that saves a job or a filled form as a preset. */
import type { InputBlock, KnownBlock, ModalView } from '@slack/types'
import { z } from 'zod'
import { PRESET_SCOPES, type PresetScope } from '../../domain/preset.js'
import { context, plain } from '../blocks.js'
import { limits, mustFit } from '../limits.js'
import { option } from './options.js'

export const PRESET_CALLBACK = 'preset_save'
/** The button of the last page. */
export const SAVE_ACTION = 'preset:save_form'
export const NAME_BLOCK = 'name'
export const SCOPE_BLOCK = 'scope'
const COPY_BLOCK = 'copy:'

/** What is saved: a job by its id, or the answers of a form by the key of their draft. Nothing may trust it. */
export const PresetFormState = z.object({
  from: z.enum(['job', 'form']),
  id: z.string().max(100),
  /** Key of the row that says where the page was opened. */
  opening: z.string().max(100),
})
export type PresetFormState = z.infer<typeof PresetFormState>

/** A field that names what is made, and what to suggest for it. */
export interface NameField {
  key: string
  title: string
  initial: string
}

const SCOPE_WORDS: Readonly<Record<PresetScope, string>> = {
  person: 'Only me',
  channel: 'Everyone in this channel',
  everyone: 'Everyone',
}

/** @param scopes those that this person can save for. */
export function presetView(
  state: PresetFormState,
  { scopes, names }: { scopes: readonly PresetScope[]; names: readonly NameField[] },
): ModalView {
  const options = PRESET_SCOPES.filter((scope) => scopes.includes(scope)).map((scope) =>
    option({ value: scope, label: SCOPE_WORDS[scope] }),
  )
  const [first] = options
  const blocks: KnownBlock[] = [
    {
      type: 'input',
      block_id: NAME_BLOCK,
      label: plain('Name of the preset'),
      hint: plain('One word, such as nightly-shop. Type /clone-app and this word to open the form filled in.'),
      element: { type: 'plain_text_input', action_id: 'name', max_length: 40 },
    },
    ...names.map(nameInput),
    ...(first
      ? [
          {
            type: 'input',
            block_id: SCOPE_BLOCK,
            label: plain('Who can use it'),
            element: { type: 'static_select', action_id: 'scope', options, initial_option: first },
          } as const,
        ]
      : []),
    context('Passwords and other personal answers are never saved.'),
  ]
  return {
    type: 'modal',
    callback_id: PRESET_CALLBACK,
    private_metadata: JSON.stringify(state),
    title: plain('Save as preset'),
    submit: plain('Save'),
    close: plain('Cancel'),
    blocks,
  }
}

/** The question for the name of each copy. */
export function nameInput({ key, title, initial }: NameField): InputBlock {
  return {
    type: 'input',
    block_id: `${COPY_BLOCK}${key}`,
    label: plain(mustFit(title, limits.inputLabel)),
    hint: plain('{source}, {user}, {date} and {n} are filled in each time; {n} is the first free number.'),
    element: { type: 'plain_text_input', action_id: 'copy', initial_value: initial, max_length: 100 },
  }
}

const Submitted = z.object({
  value: z.string().nullish(),
  selected_option: z.object({ value: z.string() }).nullish(),
})

/** What was answered: texts by block, and the names of copies by field. */
export function readPresetAnswers(stateValues: Readonly<Record<string, Readonly<Record<string, unknown>>>>): {
  texts: Record<string, string>
  names: Record<string, string>
} {
  const texts: Record<string, string> = {}
  const names: Record<string, string> = {}
  for (const [block, elements] of Object.entries(stateValues)) {
    const { data } = Submitted.safeParse(Object.values(elements)[0])
    const text = (data?.selected_option?.value ?? data?.value ?? '').trim()
    if (block.startsWith(COPY_BLOCK)) names[block.slice(COPY_BLOCK.length)] = text
    else texts[block] = text
  }
  return { texts, names }
}

/** The block of a field's name. */
export function nameBlock(key: string): string {
  return `${COPY_BLOCK}${key}`
}
