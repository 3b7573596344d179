/** Pure: a submitted modal's state → what was answered. */
import { z } from 'zod'
import type { Operation } from '../providers/provider.js'
import { fieldsOf } from './fields.js'
import { channelBlock, mentionBlock, noAnswerValue } from './form.js'
import { limits } from './limits.js'
import { plainText } from './message.js'

/** What a submitted form said. `named` has the words a person saw, `values` what goes to the schema. */
export interface Answers {
  values: Record<string, unknown>
  named: Record<string, string>
  channel: string | undefined
  mentionOnSuccess: boolean
}

/** Reads a modal's state. Empty answers are absent, so that the schema's own defaults and "required" apply. */
export function readAnswers(operation: Operation, stateValues: StateValues): Answers {
  const values: Record<string, unknown> = {}
  const named: Record<string, string> = {}
  for (const field of fieldsOf(operation)) {
    const answer = readElement(stateValues[field.key])
    if (field.kind === 'yes-no') {
      values[field.key] = (answer.selected_options ?? []).length > 0
      named[field.key] = values[field.key] ? 'yes' : 'no'
    } else if (field.kind === 'pickers') {
      const chosen = answer.selected_options ?? typedList(answer.value)
      values[field.key] = chosen.map(({ value }) => value)
      named[field.key] = chosen.map(({ text }) => text.text).join(', ')
    } else {
      const text = (answer.selected_option?.value ?? answer.value ?? '').trim()
      if (text === '' || text === noAnswerValue) continue
      values[field.key] = field.kind === 'number' ? Number(text) : text
      // Only a picker's words must be taken from what comes back, and they are only as good as the client they come from.
      const label = field.kind === 'picker' ? answer.selected_option?.text.text : undefined
      named[field.key] = field.choices.find(({ value }) => value === text)?.label ?? label ?? text
    }
  }
  return {
    values,
    named,
    channel: readElement(stateValues[channelBlock]).selected_conversation ?? undefined,
    mentionOnSuccess: (readElement(stateValues[mentionBlock]).selected_options ?? []).length > 0,
  }
}

/** `view.state.values`: block id → action id → element state; each of our blocks has one element. */
export type StateValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const Selected = z.object({ value: z.string(), text: z.object({ text: z.string() }) })
const ElementState = z.object({
  value: z.string().nullish(),
  selected_option: Selected.nullish(),
  selected_options: z.array(Selected).nullish(),
  selected_conversation: z
    .string()
    .regex(/^[A-Z0-9]{1,40}$/)
    .nullish()
    .catch(undefined),
})

function readElement(block: StateValues[string] | undefined): z.infer<typeof ElementState> {
  return ElementState.safeParse(Object.values(block ?? {})[0]).data ?? {}
}

function typedList(text: string | null | undefined): z.infer<typeof Selected>[] {
  const ids = (text ?? '').split(/[\s,]+/).filter(Boolean)
  return ids.map((id) => ({ value: id, text: { text: id } }))
}

/** What stands under a field: plain text, and never nothing, for Slack then takes none of the errors. */
export function fieldError(message: string): string {
  return plainText(message, limits.fieldError) || 'Please change this.'
}

/** One sentence per field at fault, keyed by `block_id`, as `response_action: errors` wants it. */
export function fieldErrors(error: z.ZodError, values: Readonly<Record<string, unknown>>): Record<string, string> {
  const errors: Record<string, string> = {}
  for (const issue of error.issues) {
    const key = String(issue.path[0] ?? channelBlock)
    const isMissing = issue.code === 'invalid_type' && values[key] === undefined
    errors[key] ??= isMissing ? 'Please fill this in.' : fieldError(issue.message)
  }
  return errors
}
