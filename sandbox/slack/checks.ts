/** Checks blocks and views as Slack does, with Slack's own words and error codes. Pure. */
import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { Home, MessageBlocks, Modal } from './block-kit.js'
import { asList, asObject, asText, type Json } from './json.js'

/**
 * Problems of a message's blocks, as in `response_metadata.messages` of an `invalid_blocks` answer; empty when fine.
 *
 * @param hasPlans whether this workspace has plan and task cards: Slack brings new blocks to one workspace after the other.
 */
export function messageProblems(blocks: unknown, hasPlans = true): string[] {
  return [
    ...(hasPlans ? [] : planProblems(blocks)),
    ...schemaProblems(MessageBlocks.safeParse(blocks), '/blocks'),
    ...blockProblems(blocks, '/blocks'),
    ...surfaceProblems(blocks, 'message', '/blocks'),
  ]
}

const MAX_VIEW_BYTES = 250_000

function planProblems(blocks: unknown): string[] {
  return asList(blocks).flatMap((block, at) => {
    const { type } = asObject(block)
    return type === 'plan' || type === 'task_card'
      ? [`unsupported type: ${type} [json-pointer:/blocks/${at}/type]`]
      : []
  })
}

/** Problems of a modal or home view, as in an `invalid_arguments` answer; empty when fine. */
export function viewProblems(view: unknown): string[] {
  const { type, blocks } = asObject(view)
  const isHome = type === 'home'
  return [
    ...schemaProblems((isHome ? Home : Modal).safeParse(view), '/view'),
    ...blockProblems(blocks, '/view/blocks'),
    ...surfaceProblems(blocks, isHome ? 'home' : 'modal', '/view/blocks'),
  ]
}

/** Slack's answer to invalid arguments. */
export function refusal(error: string, messages: readonly string[]): Json {
  return { ok: false, error, response_metadata: { messages: messages.map((message) => `[ERROR] ${message}`) } }
}

/** The view with all its ids, or Slack's refusal of it. */
export function checkedView(given: unknown): { view: Json; refusal?: never } | { refusal: Json; view?: never } {
  const problems = viewProblems(given)
  if (problems.length > 0) return { refusal: refusal('invalid_arguments', problems) }
  if (Buffer.byteLength(JSON.stringify(given)) > MAX_VIEW_BYTES)
    return { refusal: { ok: false, error: 'view_too_large' } }
  const view = asObject(given)
  return { view: { ...view, blocks: completed(asList(view.blocks)) } }
}

/** Slack gives every block a `block_id` and every element an `action_id` where the app left them out. */
export function completed(blocks: readonly unknown[]): Json[] {
  return blocks.map((one) => {
    const block = asObject(one)
    return {
      ...block,
      block_id: block.block_id ?? shortId(),
      ...(block.element ? { element: withActionId(block.element) } : {}),
      ...(block.accessory ? { accessory: withActionId(block.accessory) } : {}),
      ...(block.type === 'actions' ? { elements: asList(block.elements).map(withActionId) } : {}),
    }
  })
}

function withActionId(element: unknown): Json {
  const known = asObject(element)
  return known.type === 'image' ? known : { ...known, action_id: known.action_id ?? shortId() }
}

function shortId(): string {
  return randomBytes(4).toString('base64url').slice(0, 5)
}

/** Problems between blocks, which no schema of a single block can see. */
function blockProblems(blocks: unknown, pointer: string): string[] {
  const known = asList(blocks).map(asObject)
  const types = new Set(known.map((block) => block.type))
  return [
    ...repeated(known.map((block) => block.block_id)).map(
      (at) => `\`block_id\` ${String(known[at]?.block_id)} already exists [json-pointer:${pointer}/${at}/block_id]`,
    ),
    ...known.flatMap((block, index) =>
      repeated(asList(block.elements).map((element) => asObject(element).action_id)).map(
        (at) => `\`action_id\` already exists [json-pointer:${pointer}/${index}/elements/${at}/action_id]`,
      ),
    ),
    ...(types.has('plan') && types.has('task_card')
      ? [`plan and task_card exclude each other [json-pointer:${pointer}]`]
      : []),
  ]
}

type Surface = 'message' | 'modal' | 'home'

/** Elements that Slack takes on some surfaces only. */
const SURFACES: Readonly<Record<string, readonly Surface[]>> = {
  number_input: ['modal'],
  email_text_input: ['modal'],
  url_text_input: ['modal'],
  rich_text_input: ['modal', 'home'],
  datetimepicker: ['modal', 'message'],
  workflow_button: ['message'],
}

function surfaceProblems(blocks: unknown, surface: Surface, pointer: string): string[] {
  return asList(blocks).flatMap((one, at) => {
    const { element, accessory, elements } = asObject(one)
    return [element, accessory, ...asList(elements)]
      .map((each) => asText(asObject(each).type))
      .filter((type) => SURFACES[type]?.includes(surface) === false)
      .map((type) => `unsupported element: ${type} in a ${surface} [json-pointer:${pointer}/${at}]`)
  })
}

/** Indexes of ids that appeared earlier in the list. */
function repeated(ids: readonly unknown[]): number[] {
  return ids.flatMap((id, index) => (id !== undefined && ids.indexOf(id) < index ? [index] : []))
}

function schemaProblems(result: z.ZodSafeParseResult<unknown>, pointer: string): string[] {
  if (result.success) return []
  return result.error.issues.map((issue) => `${sentence(issue)} [json-pointer:${[pointer, ...issue.path].join('/')}]`)
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_big') {
    return issue.origin === 'string'
      ? `must be less than ${Number(issue.maximum) + 1} characters`
      : `no more than ${issue.maximum} items allowed`
  }
  if (issue.code === 'too_small') {
    return issue.origin === 'string' ? 'must be more than 0 characters' : `no fewer than ${issue.minimum} items allowed`
  }
  if (issue.code === 'unrecognized_keys') return `invalid additional property: ${issue.keys.join(', ')}`
  if (issue.code === 'invalid_union') return 'unsupported type'
  if (issue.code === 'invalid_type' && issue.message.endsWith('undefined')) return 'missing required field'
  if (issue.code === 'invalid_type') return `must provide a ${issue.expected}`
  return issue.message
}
