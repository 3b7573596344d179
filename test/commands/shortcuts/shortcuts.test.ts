/** The shortcuts, through a real Bolt app. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { viewProblems } from '../../../sandbox/slack/checks.js'
import type { Rule } from '../../../src/access/rules.js'
import { PickerLists } from '../../../src/commands/picker-lists.js'
import { registerShortcuts } from '../../../src/commands/shortcuts/shortcuts.js'
import type { Option } from '../../../src/providers/provider.js'
import type { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { testBoltApp, testServices } from '../../helpers/bolt-app.js'
import { type TestContext, testContext } from '../../helpers/context.js'

const everyone: Rule = { who: ['members'], may: ['*'], on: ['*'], target: ['*'] }

let context: TestContext
let app: BoltApp
let rules: Rule[]
let apps: Option[]
/** Views that were opened, and the latest form as it was corrected. */
let opened: { callback_id: string; private_metadata: string; text: string }[]
let answers: string[]
let openView: () => object

beforeEach(async () => {
  context = await testContext()
  rules = [everyone]
  apps = [
    { value: 'id-of-shop', label: 'shop-api in staging' },
    { value: 'id-of-desk', label: 'desk in production' },
  ]
  opened = []
  answers = []
  openView = () => ({ ok: true, view: { id: 'V1', hash: 'h' } })
  const [connection] = context.connections.values()
  const clone = connection?.provider.operations.clone
  if (!connection || !clone) throw new Error('The dummy lost its operation.')
  const fields = z.object({
    app: z.string().meta({ title: 'App', picker: 'apps' }),
    name: z.string().meta({ title: 'Name' }),
  })
  const operations = { clone: { ...clone, fields }, sync: { ...clone, title: 'Sync an app', fields } }
  const provider = { ...connection.provider, operations, pickers: { apps: async () => apps } }
  const fetchOf: typeof fetch = async (input, init) => {
    const to = String(input instanceof Request ? input.url : input)
    const body = await new Response(init?.body).text()
    if (to.includes('/response')) answers.push(JSON.parse(body).text)
    const view = JSON.parse(new URLSearchParams(body).get('view') ?? 'null')
    if (view) expect(viewProblems(view)).toEqual([])
    if (to.endsWith('views.open')) opened.push({ ...view, text: JSON.stringify(view.blocks) })
    if (to.endsWith('views.update')) opened.splice(-1, 1, { ...view, text: JSON.stringify(view.blocks) })
    return Response.json(to.endsWith('views.open') ? openView() : { ok: true, view: { hash: 'h' } })
  }
  app = testBoltApp(fetchOf)
  const services = testServices(context, {
    connections: new Map([[connection.name, { ...connection, provider }]]),
    lists: new PickerLists(context.elapsed, context.log),
    access: { owner: '#platform', rules },
  })
  registerShortcuts(app, services)
})
afterEach(() => context.db.destroy())

const ann = { id: 'U1', team_id: 'T1' }
let triggers = 0

async function openAnywhere(): Promise<void> {
  triggers += 1
  const body = { type: 'shortcut', callback_id: 'clone_app', trigger_id: `t${triggers}`, action_ts: '1.1' }
  await app.processEvent({ body: { ...body, team: { id: 'T1' }, user: ann, token: '' }, ack: async () => {} })
}

async function openOn(text: string, blocks: readonly object[] = []): Promise<void> {
  triggers += 1
  const body = { type: 'message_action', callback_id: 'clone_from_message', trigger_id: `t${triggers}`, token: '' }
  const place = { team: { id: 'T1' }, user: ann, channel: { id: 'C1', name: 'deploys' }, message_ts: '1.1' }
  const message = { type: 'message', text, blocks, ts: '1.1', user: 'U2' }
  const response_url = 'http://slack.example/response'
  await app.processEvent({ body: { ...body, ...place, message, response_url, action_ts: '1.1' }, ack: async () => {} })
}

/** What the form that is open now carries. */
function form() {
  const state = z.object({ operation: z.string(), channel: z.string(), values: z.record(z.string(), z.string()) })
  return state.parse(JSON.parse(opened.at(-1)?.private_metadata ?? '{}'))
}

describe('the global shortcut', () => {
  it('opens page 1, whose updates can only go to direct messages', async () => {
    await openAnywhere()
    expect(opened.map(({ callback_id }) => callback_id)).toEqual(['operation_choice'])
    expect(JSON.parse(opened[0]?.private_metadata ?? '')).toMatchObject({ channel: '', values: {} })
  })

  it('opens the form at once where only one thing can be done', async () => {
    rules.splice(0, 1, { ...everyone, may: ['clone'] })
    await openAnywhere()
    expect(opened.map(({ callback_id }) => callback_id)).toEqual(['operation_form'])
    expect(opened[0]?.text).toContain('My direct messages')
    expect(opened[0]?.text).not.toContain('Where I typed the command')
  })

  it('gives a rule for a channel no chance, because Slack names none', async () => {
    rules.splice(0, 1, { ...everyone, who: ['C1'] })
    await openAnywhere()
    expect(opened.map(({ callback_id }) => callback_id)).toEqual(['notice'])
    expect(opened[0]?.text).toContain("You can't use Dolly here. Ask #platform for access.")
  })

  it('says so when Slack took too long', async () => {
    const results = [{ ok: false, error: 'expired_trigger_id' }, { ok: true }]
    openView = () => results.shift() ?? { ok: true }
    await openAnywhere()
    expect(opened.at(-1)?.text).toContain('Slack took too long, so nothing opened. Try again.')
  })
})

describe('the shortcut of a message', () => {
  it('opens the form of a job that the message names', async () => {
    const job = await context.ask({ operation: 'sync', params: { app: 'id-of-desk', name: 'copy' } })
    await openOn(`:white_check_mark: Job \`${job.id}\` is done`)
    expect(form()).toMatchObject({ operation: 'sync', channel: 'C1', values: { app: 'id-of-desk', name: 'copy' } })
  })

  it('finds the job in the small print, where its own thread names it', async () => {
    const job = await context.ask({ operation: 'sync', params: { app: 'id-of-desk', name: 'copy' } })
    const elements = [
      { type: 'image', image_url: 'https://x.example' },
      { type: 'mrkdwn', text: `job \`${job.id}\`` },
    ]
    await openOn('desk is running', [{ type: 'divider' }, { type: 'context', elements }])
    expect(form()).toMatchObject({ operation: 'sync', values: { app: 'id-of-desk', name: 'copy' } })
  })

  it('leaves out a job that this person cannot see', async () => {
    const job = await context.ask({ requester: 'U2', operation: 'sync', params: { app: 'id-of-desk', name: 'copy' } })
    rules.splice(0, 1, { ...everyone, may: ['clone'] })
    await openOn(`Job \`${job.id}\` is done`)
    expect(form()).toMatchObject({ operation: 'clone', values: {} })
    expect(answers).toEqual([])
  })

  it('fills in the app that a message or a link names, in the first operation that has it', async () => {
    await openOn('shop-api is down: <https://shop-api.example.com|link>')
    expect(form()).toMatchObject({ operation: 'clone', channel: 'C1', values: { app: 'id-of-shop' } })
    await openOn('<https://console.example.com/apps/id-of-desk/logs>')
    expect(form()).toMatchObject({ values: { app: 'id-of-desk' } })
  })

  it('names nothing that a rule hides', async () => {
    rules.splice(0, 1, { ...everyone, may: [], from: ['*production*'] }, { ...everyone, may: ['clone'] })
    await openOn('look at desk in production')
    expect(JSON.stringify(opened.at(-1))).not.toContain('id-of-desk')
  })

  it('opens the plain page where the message names nothing, or the list cannot be read', async () => {
    await openOn('good morning')
    expect(opened.at(-1)?.callback_id).toBe('operation_choice')
    await openOn('')
    expect(opened.at(-1)?.callback_id).toBe('operation_choice')
  })

  it('answers in private if it fails', async () => {
    rules.splice(0, 1, { ...everyone, who: ['U9'] })
    await openOn('shop-api')
    expect(opened).toEqual([])
    expect(answers).toEqual(["You can't use Dolly here. Ask #platform for access."])
  })

  it('slows down a person who uses it without a pause', async () => {
    for (let count = 0; count < 11; count += 1) await openOn('hello')
    expect(answers.at(-1)).toMatch(/^That was a lot at once\. Wait .*, then use the shortcut again\.$/)
  })
})
