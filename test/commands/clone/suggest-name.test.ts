/** Names that the form suggests, before a Slack that keeps what was typed as the real one does. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { viewProblems } from '../../../sandbox/slack/checks.js'
import { reconcile, withValue } from '../../../sandbox/web/blocks/form-values.js'
import type { Block, FormValues } from '../../../sandbox/web/blocks/types.js'
import { nameFrom, SUGGESTED_NAME } from '../../../src/commands/clone/suggest-name.js'
import { registerCommands } from '../../../src/commands/index.js'
import * as listed from '../../../src/providers/index.js'
import type { Connection, Operation, Option } from '../../../src/providers/provider.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import type { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { testBoltApp, testServices } from '../../helpers/bolt-app.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { fieldOf } from '../../helpers/field.js'

const ann = { id: 'U1', handle: 'Ann Äpfel' }

describe('a suggested name', () => {
  const suggested = (field: Parameters<typeof nameFrom>[1], source: string, taken: string[] = []) =>
    nameFrom(SUGGESTED_NAME, field, { source, asker: ann, now: 0, taken: new Set(taken) })

  it('has the source without its place, the person and the next number that is free', () => {
    const any = fieldOf('name', { kind: 'text' })
    expect(suggested(any, 'Shop Web (Shop / production)')).toBe('shop-web-ann-apfel-1')
    expect(suggested(any, 'shop', ['shop-ann-apfel-1', 'shop-ann-apfel-2'])).toBe('shop-ann-apfel-3')
  })

  it('fits each provider that asks for a name', () => {
    const operations = Object.values(listed).flatMap(({ operations }) => Object.values(operations) as Operation[])
    const fields = operations.flatMap(fieldsOf).filter(({ suggestFrom }) => suggestFrom !== undefined)
    expect(fields.length).toBeGreaterThanOrEqual(8)
    for (const field of fields) {
      expect(suggested(field, 'The Shop’s Web Front End (Shop / production)')).toMatch(/^the-shop-.*ann-apfel-1$/)
    }
  })
})

interface View {
  callback_id: string
  private_metadata: string
  blocks: (Block & { hint?: { text: string } })[]
}

let context: TestContext
let app: BoltApp
/** Answers the provider's list; what waits for it waits until then. */
let answerList: (options: Option[]) => void
/** The form on the screen, what it holds, and how often it was drawn. */
let view: View
let values: FormValues
let drawn: number
let actions: number

beforeEach(async () => {
  context = await testContext()
  drawn = 0
  actions = 0
  values = {}
  app = testBoltApp(async (input, init) => {
    const sent = new URLSearchParams(String(init?.body)).get('view')
    if (sent && /views\.(open|update)$/.test(String(input))) draw(JSON.parse(sent))
    return Response.json({ ok: true, view: { id: 'V1', hash: `h${drawn}` } })
  })
  const [dummy] = context.connections.values()
  if (!dummy?.provider.operations.clone) throw new Error('The dummy lost its operation.')
  const fields = z.object({
    source: z.string().regex(/^s\d$/).meta({ title: 'Source', picker: 'things' }),
    name: z
      .string()
      .regex(/^[a-z0-9-]{1,20}$/, 'Use small letters.')
      .meta({ title: 'Name', description: 'Must be new.', suggestFrom: 'source' }),
  })
  const list = new Promise<Option[]>((resolve) => {
    answerList = resolve
  })
  const clone: Operation = {
    ...dummy.provider.operations.clone,
    fields,
    lock: ({ name }) => `${name}`,
    summary: ({ source, name }) => ({ from: `${source}`, to: `${name}` }),
  }
  const provider = { ...dummy.provider, pickers: { things: () => list }, operations: { clone } }
  const connection: Connection = { ...dummy, provider }
  registerCommands(app, testServices(context, { connections: new Map([[connection.name, connection]]) }))
})
afterEach(() => context.db.destroy())

const things = [
  { value: 's1', label: 'shop-web in production' },
  { value: 's2', label: 'till (shop)' },
  { value: 's3', label: 'shop-web-u1-1 in staging' },
]

function draw(next: View): void {
  expect(viewProblems(next)).toEqual([])
  view = next
  values = reconcile(next.blocks, values, 'C1')
  drawn += 1
}

function block(id: string) {
  const found = view.blocks.find(({ block_id }) => block_id === id)
  if (!found?.element) throw new Error(`There's no field ${id}.`)
  return { ...found, element: found.element as { action_id: string; placeholder?: { text: string } } }
}

function fill(id: string, state: Record<string, unknown> & { type: string }): void {
  values = withValue(values, id, block(id).element.action_id, state as FormValues[string][string])
}
const write = (value: string) => fill('name', { type: 'plain_text_input', value })
const nameIn = () => Object.values(values.name ?? {})[0]

/** `/clone-app …`, which goes on after its form is drawn. */
function type(text: string): Promise<void> {
  const who = { user_id: 'U1', team_id: 'T1', channel_id: 'C1' }
  const request = { trigger_id: '1.2.3', response_url: 'http://slack.example/response/1' }
  return app.processEvent({ body: { command: '/clone-app', text, ...request, ...who }, ack: async () => {} })
}

async function choose(value: string): Promise<void> {
  const { label = '' } = things.find((one) => one.value === value) ?? {}
  const selected_option = { value, text: { type: 'plain_text', text: label } }
  fill('source', { type: 'external_select', selected_option })
  actions += 1
  const action = { type: 'external_select', block_id: 'source', action_id: block('source').element.action_id }
  const body = {
    type: 'block_actions',
    team: { id: 'T1' },
    user: { id: 'U1', team_id: 'T1' },
    trigger_id: `1.2.${actions}`,
    container: { type: 'view', view_id: 'V1' },
    view: { ...view, id: 'V1', type: 'modal', hash: `h${drawn}`, state: { values } },
    actions: [{ ...action, selected_option, action_ts: `${actions}` }],
  }
  await app.processEvent({ body, ack: async () => {} })
}

/** Sends the form; returns the name on the last page, or what is wrong. */
async function send(): Promise<string> {
  const sent = { ...view, id: 'V1', root_view_id: 'V1', type: 'modal', hash: 'h', state: { values } }
  let answer = {}
  const body = { type: 'view_submission', team: { id: 'T1' }, user: { id: 'U1', team_id: 'T1' }, view: sent }
  await app.processEvent({
    body,
    ack: async (given: unknown) => {
      answer = given as object
    },
  })
  const { view: next, ...refusal } = answer as { view?: View }
  const [header] = next?.blocks ?? []
  return header && 'text' in header ? `${(header.text as { text: string }).text}` : JSON.stringify(refusal)
}

describe('the form', () => {
  it('keeps a name that is typed before the suggestion arrives', async () => {
    const opened = type('dummy-one clone source=shop-web-u1-1')
    await vi.waitFor(() => expect(drawn).toBe(1), { interval: 1 })
    write('mine')
    answerList(things)
    await opened
    expect(drawn, 'it was drawn again').toBe(2)
    expect(nameIn()).toMatchObject({ value: 'mine' })
    expect(await send()).toBe('shop-web-u1-1 in staging → mine')
  })

  it('keeps a name that is typed between a choice and the suggestion for it', async () => {
    const opened = type('dummy-one clone')
    await vi.waitFor(() => expect(drawn).toBe(1), { interval: 1 })
    const chosen = choose('s1')
    await vi.waitFor(() => expect(drawn).toBe(2), { interval: 1 })
    write('mine')
    answerList(things)
    await Promise.all([opened, chosen])
    expect(drawn).toBe(3)
    expect(nameIn()).toMatchObject({ value: 'mine' })
    await choose('s2')
    expect(await send()).toBe('till (shop) → mine')
  })

  it('suggests a free name beside the field, another for another source, and takes it for a field left empty', async () => {
    answerList(things)
    await type('dummy-one clone')
    expect(block('name')).toMatchObject({
      optional: true,
      hint: { text: expect.stringContaining('a name that is free.') },
    })
    await choose('s1')
    expect(block('name').element.placeholder?.text, 'shop-web-u1-1 is there already').toBe('shop-web-u1-2')
    expect(block('name').hint?.text).toBe('Must be new. Leave it empty for shop-web-u1-2.')
    expect(await send()).toBe('shop-web in production → shop-web-u1-2')
    await choose('s2')
    expect(block('name').element.placeholder?.text).toBe('till-u1-1')
    expect(await send()).toBe('till (shop) → till-u1-1')
  })

  it('takes a suggestion that is sent before it is shown', async () => {
    const opened = type('dummy-one clone source=s2')
    await vi.waitFor(() => expect(drawn).toBe(1), { interval: 1 })
    const sent = send()
    answerList(things)
    expect(await sent).toBe('till (shop) → till-u1-1')
    await opened
  })

  it('shows a name that came with the command, and suggests none', async () => {
    answerList(things)
    await type('dummy-one clone source=s1 name=mine')
    expect(nameIn()).toMatchObject({ value: 'mine' })
    expect(block('name').element).not.toHaveProperty('placeholder')
    expect(await send()).toBe('shop-web in production → mine')
  })
})
