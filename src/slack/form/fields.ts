/** Pure: an operation's zod object → the fields of its form. */
import { z } from 'zod'
import { namesIn, trimmed, unquoted } from '../../lib/typed-text.js'
import type { Operation, Option } from '../../providers/provider.js'
import { limits, mustFit } from '../limits.js'

/** One question of a form, as its zod property declares it. */
export interface Field {
  /** Property name = `block_id`, unless it shares a block = key in `view.state.values` = first part of a zod issue's path. */
  key: string
  title: string
  description: string | undefined
  required: boolean
  kind: 'picker' | 'pickers' | 'choice' | 'yes-no' | 'number' | 'text'
  picker: string | undefined
  dependsOn: readonly string[]
  choices: readonly Option[]
  initial: string | undefined
  multiline: boolean
  /** The field that names what is cloned: its choice suggests a name here. */
  suggestFrom: string | undefined
  /** Deleted when the job has ended. */
  personal: boolean
  maxLength: number | undefined
  /** Whether the property takes this value, such as an id for a picker. */
  accepts(value: unknown): boolean
}

const JsonProperty = z.object({
  type: z.string().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.string()).optional(),
  items: z.object({ type: z.literal('string') }).optional(),
  default: z.unknown().optional(),
  maxLength: z.number().optional(),
  picker: z.string().optional(),
  dependsOn: z.array(z.string()).default([]),
  multiline: z.boolean().default(false),
  personal: z.boolean().default(false),
  suggestFrom: z.string().optional(),
  valueTitles: z.record(z.string(), z.string()).default({}),
})
const JsonObject = z.object({
  properties: z.record(z.string(), z.unknown()),
  required: z.array(z.string()).default([]),
})

/**
 * Derives the fields from an operation's schema.
 *
 * @throws Error naming the field when no modal can ask for a property of its kind.
 */
export function fieldsOf(operation: Operation): Field[] {
  const { properties, required } = JsonObject.parse(z.toJSONSchema(operation.fields, { io: 'input' }))
  return Object.entries(properties).map(([key, raw]) => {
    const { data } = JsonProperty.safeParse(raw)
    const kind = data && kindOf(data)
    if (!kind) throw new Error(`Field "${key}" is of a kind that no form can ask for.`)
    const { title, description, default: initial, enum: values = [], ...meta } = data
    const { picker, dependsOn, multiline, personal, suggestFrom } = meta
    if (!title) throw new Error(`Field "${key}" needs .meta({ title }).`)
    const isCheckbox = kind === 'yes-no'
    return {
      key,
      title: mustFit(title, isCheckbox ? limits.optionText : limits.inputLabel),
      description: description && mustFit(description, isCheckbox ? limits.optionDescription : limits.inputHint),
      required: required.includes(key),
      kind,
      picker,
      dependsOn,
      choices: values.map((value) => ({ value, label: data.valueTitles[value] ?? value })),
      initial: typeof initial === 'object' ? undefined : initial?.toString(),
      multiline,
      personal,
      suggestFrom,
      maxLength: data.maxLength,
      accepts: (value) => z.safeParse(operation.fields.shape[key], value).success,
    }
  })
}

/** Keys of the fields whose answer changes others: a list below them, or a suggested name. */
export function reportingFields(fields: readonly Field[]): ReadonlySet<string> {
  return new Set(fields.flatMap(({ dependsOn, suggestFrom = [] }) => [...dependsOn, suggestFrom].flat()))
}

/** Slack takes no more checkboxes in one block. */
const MAX_CHECKBOXES = 10

/** The fields as the form's blocks: one each, but neighbouring questions of yes or no are the checkboxes of one block. */
export function blocksOf(fields: readonly Field[]): [Field, ...Field[]][] {
  const blocks: [Field, ...Field[]][] = []
  for (const field of fields) {
    const last = blocks.at(-1)
    const fits = field.kind === 'yes-no' && last?.[0].kind === 'yes-no' && last.length < MAX_CHECKBOXES
    if (fits) last.push(field)
    else blocks.push([field])
  }
  return blocks
}

/** The block that a field is in, which has the key of its first field. */
export function blockIdOf(fields: readonly Field[], key: string): string {
  const block = blocksOf(fields).find((all) => all.some((field) => field.key === key))
  return block?.[0].key ?? key
}

/** A yes in a command or a default. */
export function isYes(text: string): boolean {
  return /^(true|yes|y|1|on)$/i.test(text)
}

export function isNo(text: string): boolean {
  return /^(false|no|n|0|off)$/i.test(text)
}

/**
 * The ids or names in a text. Only a picker for several takes more than one. Spaces separate ids too, because a text box
 * turns the line breaks of pasted text into spaces; they never separate names.
 */
export function entriesOf({ kind, accepts }: Field, text: string): string[] {
  if (kind !== 'pickers') return [unquoted(trimmed(text))].filter(Boolean)
  return namesIn(text).flatMap((name) => {
    const pieces = name.split(/\s+/)
    return pieces.length > 1 && !accepts([name]) && accepts(pieces) ? pieces : [name]
  })
}

function kindOf({ type, picker, enum: choices, items }: z.infer<typeof JsonProperty>): Field['kind'] | null {
  if (type === 'array') return picker && items ? 'pickers' : null
  if (type === 'boolean') return 'yes-no'
  if (type === 'number' || type === 'integer') return 'number'
  if (type !== 'string') return null
  if (picker) return 'picker'
  return choices ? 'choice' : 'text'
}
