/** Presets and schedules as people use them: typed, clicked and filled in, and how many clicks that takes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { messageProblems, viewProblems } from '../../sandbox/slack/checks.js'
import type { AccessRules } from '../../src/access/rules.js'
import { homePresets } from '../../src/commands/home/presets.js'
import { registerCommands } from '../../src/commands/index.js'
import { runSchedule } from '../../src/commands/schedules/run.js'
import type { Services } from '../../src/commands/services.js'
import { ConnectionError } from '../../src/errors.js'
import { runDueSchedules } from '../../src/jobs/schedule.js'
import type { Named } from '../../src/providers/provider.js'
import { callbacks } from '../../src/slack/form/view.js'
import type { BoltApp } from '../../src/slack/transport/bolt-app.js'
import { deletePreset, savePreset } from '../../src/store/presets.js'
import { saveSetting } from '../../src/store/settings.js'
import { testBoltApp, testPeople, testServices } from '../helpers/bolt-app.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { newPreset } from '../helpers/preset.js'

interface View {
  callback_id: string
  private_metadata: string
  blocks: { block_id?: string; element?: { initial_value?: string } }[]
}

let context: TestContext
let services: Services
let app: BoltApp
let access: AccessRules
let views: View[]
let said: string[]
/** Of the last private answer. */
let buttons: { action_id: string; confirm?: { text: { text: string } } }[]
/** Commands, clicks and submissions. */
let interactions: number
let triggers: number

const everything: AccessRules['rules'][number] = { who: ['members'], may: ['*'], on: ['*'], target: ['*'] }
const all = [everything]

beforeEach(async () => {
  context = await testContext()
  access = { owner: '#platform', rules: all }
  views = []
  said = []
  buttons = []
  interactions = 0
  triggers = 0
  app = testBoltApp(async (input, init) => {
    const body = String(init?.body ?? '')
    if (String(input).includes('/response/')) {
      const answer = JSON.parse(body)
      if (answer.blocks) expect(messageProblems(answer.blocks)).toEqual([])
      buttons = (answer.blocks ?? []).flatMap((block: { elements?: object[] }) => block.elements ?? [])
      said.push(answer.text)
      return new Response('ok')
    }
    const view = new URLSearchParams(body).get('view')
    if (view) {
      expect(viewProblems(JSON.parse(view))).toEqual([])
      const id = `V${views.length + 2}`
      views.push({ ...JSON.parse(view), id, root_view_id: id })
    }
    return Response.json({ ok: true, view: { id: 'V1', hash: 'h' } })
  })
  services = testServices(context, { access })
  registerCommands(app, services)
})
afterEach(() => context.db.destroy())

const trigger = () => {
  triggers += 1
  return `trigger-${triggers}`
}
const response_url = 'http://slack.example/response/1'

async function type(text: string, user = 'U1') {
  interactions += 1
  const command = { command: '/clone-app', text, user_id: user, team_id: 'T1', channel_id: 'C1', trigger_id: trigger() }
  said.length = 0
  await app.processEvent({ body: { ...command, response_url }, ack: async () => {} })
  return said.join('\n')
}

async function press(action_id: string, value: string, view?: object, user = 'U1') {
  interactions += 1
  said.length = 0
  const action = { type: 'button', action_id, value, block_id: 'b', action_ts: '1' }
  const who = { team: { id: 'T1' }, user: { id: user, team_id: 'T1' }, channel: { id: 'C1' }, trigger_id: trigger() }
  const body = {
    type: 'block_actions',
    actions: [action],
    container: { type: 'message' },
    response_url,
    ...who,
    ...(view && { view, channel: undefined }),
  }
  await app.processEvent({ body, ack: async () => {} })
  return said.join('\n')
}

async function send(view: Pick<View, 'callback_id' | 'private_metadata'>, values: object = {}) {
  interactions += 1
  let answer: { response_action?: string; errors?: object; view?: View } = {}
  const sent = { id: 'V1', root_view_id: 'V1', type: 'modal', hash: 'h', ...view, state: { values } }
  const body = { type: 'view_submission', team: { id: 'T1' }, user: { id: 'U1', team_id: 'T1' }, view: sent }
  const ack = async (given: unknown) => {
    answer = (given ?? {}) as typeof answer
  }
  await app.processEvent({ body, ack })
  if (answer.view) expect(viewProblems(answer.view)).toEqual([])
  return answer
}

const text = (value: string) => ({ a: { type: 'plain_text_input', value } })
const chosen = (value: string) => ({ a: { type: 'static_select', selected_option: { value, text: { text: value } } } })
const jobs = async () => await context.db.selectFrom('jobs').selectAll().orderBy('createdAt').execute()
const schedules = async () => await context.db.selectFrom('schedules').selectAll().execute()
const lastView = () => {
  const view = views.at(-1)
  if (!view) throw new Error('No page was opened.')
  return view
}

/** A job that has ended, so that its target is free. */
async function endedJob(params: object = { name: 'copy', deploy: true }): Promise<string> {
  const { id } = await context.ask({ params: { ...params }, channel: 'C1', askedIn: 'C1' })
  await context.db
    .updateTable('jobs')
    .set({ state: 'succeeded', endedAt: 1, dueAt: null })
    .where('id', '=', id)
    .execute()
  return id
}

/** One pass of the worker. */
const runDue = async () => await runDueSchedules(context, (...run) => runSchedule(services, ...run))

describe('a preset', () => {
  it('is saved from a job, starts with one command, and opens with its answers', async () => {
    const id = await endedJob()
    expect(await type(`preset save ${id} Nightly`)).toContain('Saved. `/clone-app nightly` opens')
    interactions = 0
    expect(await type('nightly now')).toMatch(/^Started job `\w{5}` from "nightly"\. Its thread begins soon in <#C1>\./)
    expect(interactions).toBe(1)
    expect((await jobs()).at(-1)).toMatchObject({
      params: '{"name":"copy","deploy":true}',
      channel: 'C1',
      requester: 'U1',
    })
    await type('nightly name=other')
    expect(JSON.stringify(lastView())).toContain('"initial_value":"other"')
  })

  it('saved from a job keeps the names of what was picked, also while its list can’t be read', async () => {
    const [connection] = context.connections.values()
    const clone = connection?.provider.operations.clone
    if (!connection || !clone) throw new Error('The dummy lost its operation.')
    const app = z.string().meta({ title: 'App', picker: 'apps' })
    const summary = (named: Named) => ({ from: `${named.app} in ${named['app.place']}`, to: named.name ?? '' })
    const operations = { clone: { ...clone, fields: clone.fields.extend({ app }), summary } }
    const apps = async () => {
      throw new ConnectionError('The list is away.')
    }
    const provider = { ...connection.provider, operations, pickers: { apps } }
    services.connections = new Map([[connection.name, { ...connection, provider }]])
    const labels = { app: 'shop-api', 'app.place': 'staging' }
    const picked = { params: { app: '507f1f77bcf86cd7', name: 'copy', deploy: false }, labels }
    const { id } = await context.ask({ ...picked, source: 'shop-api in staging' })
    await context.db.updateTable('jobs').set({ state: 'succeeded', endedAt: 1, dueAt: null }).execute()
    await type(`preset save ${id} nightly`)
    await type('nightly')
    expect(JSON.stringify(views[0]?.blocks)).toContain('"text":{"type":"plain_text","text":"shop-api"')
    context.pass(1_000)
    await type('nightly now')
    const [, run] = await jobs()
    expect(run).toMatchObject({ source: 'shop-api in staging', labels: JSON.stringify(labels) })
    await context.db.updateTable('jobs').set({ state: 'succeeded', endedAt: 1, dueAt: null }).execute()
    context.pass(1_000)
    await type('nightly app=other-app now')
    expect((await jobs()).at(-1)?.source).not.toContain('shop-api')
  })

  it('takes at most four interactions from its form to a running job', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    interactions = 0
    await type('nightly')
    const page = await send(lastView(), { name: text('copy'), _channel: chosen('here') })
    expect(page.view?.callback_id).toBe(callbacks.preview)
    await send({ callback_id: callbacks.preview, private_metadata: page.view?.private_metadata ?? '' })
    expect(await jobs()).toHaveLength(2)
    expect(interactions).toBeLessThanOrEqual(4)
  })

  it('never starts twice from a command that Slack delivers twice', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    await type('nightly now')
    triggers -= 1
    await type('nightly now')
    expect(await jobs()).toHaveLength(2)
  })

  it.each(['status', 'clone', 'dummy-one', 'help', 'now', 'two words', '.x'])('is never called "%s"', async (name) => {
    expect(await type(`preset save ${await endedJob()} "${name}"`)).toMatch(/already means something|is one word/)
  })

  it('mentions the person who runs it as they prefer, and starts its thread where they want it', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    await type('nightly now')
    expect((await jobs()).at(-1)).toMatchObject({ mentionOnSuccess: 0, mentionOnFailure: 1, channel: 'C1' })
    await context.db.updateTable('jobs').set({ endedAt: 1, state: 'failed' }).execute()
    const by = { actor: 'U1', channel: null }
    const prefers = { tell: 'success', place: 'mine' }
    await saveSetting(context.db, { scope: 'person', id: 'U1' }, prefers, by, context.now())
    context.pass(1_000)
    await type('nightly now')
    expect((await jobs()).at(-1)).toMatchObject({
      mentionOnSuccess: 1,
      mentionOnFailure: 0,
      channel: 'U1',
      askedIn: 'C1',
    })
  })

  it('is saved for others, and deleted for them, only with the rule', async () => {
    const id = await endedJob()
    await type(`preset save ${id} shared everyone`)
    access.rules = [{ who: ['members'], may: ['clone', 'status'], on: ['*'], target: ['*'] }]
    expect(await type(`preset save ${id} mine`)).toContain('Saved')
    expect(await type(`preset save ${id} ours channel`)).toContain(
      "You can't save presets for this channel. Ask #platform",
    )
    expect(await type('preset delete shared', 'U2')).toContain("You can't delete the preset shared.")
    expect(await type('preset delete mine', 'U2')).toContain('There\'s no preset "mine".')
    expect(await type('preset delete shared')).toContain('Deleted the preset "shared".')
  })

  it('is named only to people whom a rule lets start or delete it, and to the person who made it', async () => {
    const shared = { scope: 'everyone', owner: '', name: 'secret-run', target: 'zeus-copy', createdBy: 'U9' } as const
    const saving = await savePreset(context.db, newPreset(shared), 'C1', 1)
    if (saving.kind !== 'saved') throw new Error(saving.kind)
    const { id } = saving.preset
    const typed = ['presets', 'secret-rum', 'preset delete secret-rum', 'schedule secret-rum @daily']
    const read = async (user?: string) => {
      const answers: string[] = []
      for (const command of typed) answers.push(await type(command, user))
      return answers
    }
    for (const answer of await read()) expect(answer).toContain('secret-run')
    const rule = { ...everything, who: ['U1'] }
    access.rules = [{ ...rule, may: ['preset'] }]
    expect((await read())[0], 'who can delete it').toContain('secret-run')
    access.rules = [{ ...rule, on: ['dummy-two'] }]
    for (const answer of await read()) expect(answer).not.toMatch(/secret-run|zeus/)
    expect(await press('preset:open', id)).toContain('This preset is gone.')
    access.rules = []
    for (const answer of await read()) expect(answer).not.toMatch(/secret-run|zeus/)
    expect((await read('U9'))[0], 'who made it').toContain('secret-run')
    expect(await type('preset delete secret-run', 'U9')).toContain('Deleted the preset')
  })

  it('made from a job is named, and decided on, by what it will make', async () => {
    const [connection] = context.connections.values()
    const clone = connection?.provider.operations.clone
    if (!connection || !clone) throw new Error('The dummy lost its operation.')
    const name = z.string().meta({ title: 'Name', suggestFrom: 'source' })
    const summary = (named: Named) => ({ from: 'source', to: `${named.name} in production` })
    const operations = { clone: { ...clone, fields: clone.fields.extend({ name }), summary } }
    services.connections = new Map([
      [connection.name, { ...connection, provider: { ...connection.provider, operations } }],
    ])
    const id = await endedJob()
    const { target } = (await jobs())[0] ?? {}
    expect(target).toBe('copy-1')
    await type(`preset save ${id} nightly`)
    await press('job:preset', id)
    await send(lastView(), { name: text('form'), scope: chosen('person'), 'copy:name': text('zeus-{n}') })
    const presets = await context.db.selectFrom('presets').selectAll().orderBy('name').execute()
    expect(presets.map(({ name, source, target }) => [name, source, target])).toEqual([
      ['form', 'shop-api', 'zeus-{n} in production'],
      ['nightly', 'shop-api', '{source}-{user}-{n} in production'],
    ])
    await press('job:schedule', id)
    const times = { when: chosen('0 2 * * *'), zone: text('UTC') }
    await send(lastView(), { ...times, 'copy:name': text('zeus-{n}') })
    expect((await schedules()).map(({ target }) => target)).toEqual(['zeus-{n} in production'])
    access.rules = [{ ...everything, may: [], target: ['zeus-*'] }, everything]
    const refused = await send(lastView(), { ...times, 'copy:name': text('zeus-{n}') })
    expect(JSON.stringify(refused)).toContain("You can't schedule this on dummy-one.")
  })

  it('is suggested to people who mistype its name', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    expect(await type('nightli now')).toContain('nightly')
    expect(await type('preset delete nightli')).toMatch(/Did you mean:\n`\/clone-app preset delete nightly`$/)
    expect(await type('schedule nightli @daily Europe/Berlin')).toMatch(
      /Did you mean:\n`\/clone-app schedule nightly "@daily" Europe\/Berlin`$/,
    )
    expect(await type('preset delete xyzzy-plugh')).toMatch(/Presets here:\n`\/clone-app presets`$/)
    await type('schedule nightly @daily')
    const id = (await schedules())[0]?.id ?? ''
    const wrong = `${id.slice(0, -1)}${id.endsWith('2') ? '3' : '2'}`
    expect(await type(`schedule pause ${wrong}`)).toContain(`Did you mean:\n\`/clone-app schedule pause ${id}\``)
  })

  it('starts nothing once its owner has no access, and says what is wrong with its answers', async () => {
    await type(`preset save ${await endedJob({ name: 'Not fit', deploy: false })} bad`)
    expect(await type('bad now')).toContain('Name: Use small letters.')
    await type(`preset save ${await endedJob()} nightly`)
    access.rules = []
    expect(await type('nightly now')).toContain("You can't run clone on dummy-one")
    expect(await jobs()).toHaveLength(2)
  })

  it('that others must approve is refused where they would not read of it', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    access.rules = [{ ...everything, approval: { by: ['U2'], count: 1, expiresMs: 3_600_000 } }]
    await saveSetting(context.db, { scope: 'person', id: 'U1' }, { place: 'mine' }, { actor: 'U1', channel: null }, 1)
    const refusal = 'Others must approve this, so post updates to a channel that they read.'
    expect(await type('nightly now')).toContain(refusal)
    expect(await type('schedule nightly "0 2 * * *"')).toContain(refusal)
    await saveSetting(context.db, { scope: 'person', id: 'U1' }, { place: 'here' }, { actor: 'U1', channel: null }, 2)
    expect(await type('schedule nightly "0 2 * * *"')).toContain('Scheduled')
    expect(await type('nightly now')).toContain('Started')
    expect((await jobs()).at(-1)).toMatchObject({ state: 'awaiting_approval', channel: 'C1' })
  })

  it('that overwrites something asks before Run now, and one that makes something of its own does not', async () => {
    const saved = { values: { name: 'copy' }, source: 'shop-api', target: 'billing in production' }
    for (const operation of ['clone', 'sync'])
      await savePreset(
        context.db,
        newPreset({ ...saved, operation, name: operation === 'sync' ? 'over' : 'new' }),
        'C1',
        1,
      )
    await type('presets')
    const asked = buttons.filter(({ action_id }) => action_id === 'preset:run').map(({ confirm }) => confirm?.text.text)
    expect(asked.sort()).toEqual(['This overwrites billing in production with shop-api.', undefined])
  })

  it('is listed with buttons that work for those who find it', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    expect(await type('presets')).toContain('`nightly`')
    const { id } = await context.db.selectFrom('presets').select('id').executeTakeFirstOrThrow()
    expect(await press('preset:run', id, undefined, 'U2')).toContain('This preset is gone.')
    expect(await press('preset:run', id)).toContain('Started job')
    expect(await press('preset:delete', id)).toContain('Deleted the preset')
  })

  it('that can no longer be saved is refused on its own page, because Slack stacks no fourth', async () => {
    await type('dummy-one clone')
    const page = await send(lastView(), { name: text('copy'), _channel: chosen('here') })
    await press('preset:save_form', '', page.view)
    const saved = () => send(lastView(), { name: text('mine'), scope: chosen('person') })
    access.rules = []
    expect(await saved()).toEqual({
      response_action: 'errors',
      errors: { name: "You can't run clone on dummy-one. Ask #platform for access." },
    })
    access.rules = all
    context.pass(3_600_001)
    expect(await saved()).toEqual({
      response_action: 'errors',
      errors: { name: expect.stringContaining('has expired.') },
    })
    services.people.get = async () => await Promise.reject(new Error('Slack is away.'))
    expect(await saved()).toMatchObject({
      errors: { name: expect.stringContaining("I couldn't ask Slack who you are") },
    })
  })

  it('is saved from the last page of a form, on the third page that Slack stacks', async () => {
    await type('dummy-one clone')
    const page = await send(lastView(), { name: text('copy'), _channel: chosen('here') })
    await press('preset:save_form', '', page.view)
    expect(lastView().callback_id).toBe('preset_save')
    const refused = await send(lastView(), { name: text('help'), scope: chosen('person') })
    expect(refused.errors).toEqual({ name: expect.stringContaining('already means something') })
    expect(await send(lastView(), { name: text('mine'), scope: chosen('person') })).toMatchObject({
      response_action: 'update',
    })
    expect(await type('mine now')).toContain('Started job')
  })
})

it('all that people do to presets and schedules is in the audit, and each in the transaction of its change', async () => {
  await type(`preset save ${await endedJob()} nightly`)
  await type('schedule nightly @daily')
  const [made] = await schedules()
  for (const act of ['pause', 'pause', 'resume', 'delete', 'delete']) await type(`schedule ${act} ${made?.id}`)
  await type('preset delete nightly')
  const acts = await context.db.selectFrom('audit').selectAll().where('jobId', 'is', null).orderBy('at').execute()
  expect(acts.map(({ action }) => action).sort()).toEqual([
    'preset_deleted',
    'preset_saved',
    'schedule_deleted',
    'schedule_made',
    'schedule_paused',
    'schedule_resumed',
  ])
  for (const act of acts)
    expect(act).toMatchObject({
      actor: 'U1',
      requester: 'U1',
      channel: 'C1',
      connection: 'dummy-one',
      operation: 'clone',
    })
})

describe('a schedule', () => {
  const night = Date.parse('2026-01-01T02:00Z')
  const passTo = (at: number) => context.pass(at - context.now())

  it('is made below a job in two interactions, and runs every night', async () => {
    const id = await endedJob()
    interactions = 0
    expect(await press('job:schedule', id)).toBe('')
    const done = await send(lastView(), { when: chosen('0 2 * * *'), zone: text('UTC') })
    expect(done).toMatchObject({ response_action: 'update' })
    expect(interactions).toBe(2)
    passTo(night)
    expect(await runDue()).toBe(true)
    expect((await jobs()).at(-1)).toMatchObject({
      state: 'queued',
      requester: 'U1',
      submission: expect.stringMatching(/^schedule:.*:1767232800000$/),
    })
    expect(await schedules()).toMatchObject([{ nextAt: night + 86_400_000, failures: 0 }])
    expect(await runDue()).toBe(false)
  })

  it('made below a job runs a preset that is called after it and is made once, but isn’t a button on Home', async () => {
    const id = await endedJob()
    const schedule = async (values: object) => {
      await press('job:schedule', id)
      return JSON.stringify(await send(lastView(), { zone: text('UTC'), ...values }))
    }
    const done = await schedule({ when: chosen('0 2 * * *') })
    expect(done).toContain('"text":"Scheduled"')
    expect(done).toContain('"text":"\\"shop-api-clone\\": next run')
    await schedule({ when: chosen('0 2 * * 1') })
    const presets = await context.db.selectFrom('presets').selectAll().execute()
    expect(presets).toMatchObject([{ name: 'shop-api-clone', repeats: id }])
    expect((await schedules()).map(({ preset }) => preset)).toEqual(['shop-api-clone', 'shop-api-clone'])
    await press('job:schedule', await endedJob({ name: 'other', deploy: true }))
    await send(lastView(), { when: chosen('0 2 * * *'), zone: text('UTC') })
    expect((await schedules()).at(-1)?.preset).toBe('shop-api-clone-2')
    await type(`preset save ${id} mine`)
    const asker = { id: 'U1', membership: 'member', groups: [], channel: null } as const
    expect((await homePresets(services, asker)).map(({ name }) => name)).toEqual(['mine'])
  })

  it('whose page or command Slack delivers twice is made once', async () => {
    await press('job:schedule', await endedJob())
    const nightly = { when: chosen('0 2 * * *'), zone: text('UTC') }
    const first = await send(lastView(), nightly)
    expect(await send(lastView(), nightly)).toEqual(first)
    expect(await schedules()).toHaveLength(1)
    await type('schedule shop-api-clone @daily')
    triggers -= 1
    app = testBoltApp(async () => new Response('ok'))
    registerCommands(app, services)
    await type('schedule shop-api-clone @daily')
    expect(await schedules()).toHaveLength(2)
  })

  it('that never comes is refused on its page, and leaves no preset behind', async () => {
    await press('job:schedule', await endedJob())
    const values = { when: chosen('custom'), cron: text('* * * * *'), zone: text('UTC') }
    expect(await send(lastView(), values)).toMatchObject({
      response_action: 'errors',
      errors: { cron: expect.anything() },
    })
    const zoned = { when: chosen('0 2 * * *'), zone: text('Mars/Base') }
    expect(await send(lastView(), zoned)).toMatchObject({
      response_action: 'errors',
      errors: { zone: expect.anything() },
    })
    expect(await context.db.selectFrom('presets').selectAll().execute()).toEqual([])
    expect(await schedules()).toEqual([])
  })

  it('is typed, listed, paused, resumed and deleted', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    expect(await type('schedule nightly “0 5 * * 1-5” europe/berlin skip')).toContain('Scheduled "nightly": next run')
    const [made] = await schedules()
    expect(made).toMatchObject({ zone: 'Europe/Berlin', missed: 'skip', nextAt: Date.parse('2026-01-01T04:00Z') })
    expect(await type('schedules')).toContain('`0 5 * * 1-5` (Europe/Berlin)')
    expect(await type(`schedule pause ${made?.id}`, 'U2')).toContain('You have no schedule')
    expect(await type(`schedule pause ${made?.id}`)).toContain('Paused')
    expect(await press('schedule:resume', made?.id ?? '')).toContain(': next run')
    expect(await type(`schedule delete ${made?.id}`)).toContain('Deleted')
    expect(await schedules()).toEqual([])
  })

  it.each([
    ['* * * * *', 'UTC', 'at least 15 minutes'],
    ['every night', 'UTC', "That's not a cron expression."],
    ['0 2 * * *', 'Mars/Base', 'I don\'t know the time zone "Mars/Base".'],
  ])('is refused with a reason: %s %s', async (cron, zone, reason) => {
    await type(`preset save ${await endedJob()} nightly`)
    expect(await type(`schedule nightly "${cron}" ${zone}`)).toContain(reason)
  })

  it('tells its owner when access is gone, and pauses after five nights', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    await type('schedule nightly "0 2 * * *"')
    access.rules = []
    for (let day = 0; day < 6; day += 1) {
      passTo(night + day * 86_400_000)
      await runDue()
    }
    const failed = (await jobs()).slice(1)
    expect(failed).toHaveLength(5)
    expect(failed[0]).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining("You can't schedule this any more."),
    })
    expect(failed[4]?.detail).toContain('so I paused the schedule. To resume it, type /clone-app schedule resume')
    expect(await schedules()).toMatchObject([{ failures: 5, dueAt: null }])
  })

  it('opens its preset’s form from the thread of a run that couldn’t start', async () => {
    await type(`preset save ${await endedJob({ name: 'nightly-copy', deploy: true })} nightly`)
    await type('schedule nightly "0 2 * * *"')
    access.rules = []
    passTo(night)
    await runDue()
    access.rules = all
    const failed = (await jobs()).at(-1)
    expect(failed).toMatchObject({ state: 'failed', step: '' })
    await press('job:edit', failed?.id ?? '')
    expect(lastView()).toMatchObject({ callback_id: callbacks.form })
    expect(JSON.stringify(lastView())).toContain('"initial_value":"nightly-copy"')
    // Somebody else's preset is not theirs to read.
    await press('job:edit', failed?.id ?? '', undefined, 'U2')
    expect(JSON.stringify(lastView())).not.toContain('nightly-copy')
    // The schedule is gone: its form is empty.
    await type(`schedule delete ${(await schedules())[0]?.id}`)
    await type(`again ${failed?.id}`)
    expect(JSON.stringify(lastView())).not.toContain('nightly-copy')
  })

  describe('that only a rule for its channel lets run', () => {
    const ofChannel: AccessRules['rules'] = [{ who: ['C1'], may: ['*'], on: ['*'], target: ['*'] }]

    it('runs while Slack says that its owner is in the channel', async () => {
      access.rules = ofChannel
      const channels = ['C1']
      services.people = testPeople(context, channels)
      await type(`preset save ${await endedJob()} nightly`)
      expect(await type('schedule nightly "0 2 * * *"')).toContain('Scheduled')
      passTo(night)
      await runDue()
      expect((await jobs()).at(-1)).toMatchObject({ state: 'queued', channel: 'C1', askedIn: 'C1' })
      services.people = testPeople(context, [])
      passTo(night + 86_400_000)
      await runDue()
      expect((await jobs()).at(-1)?.detail).toContain("You can't schedule this any more.")
    })

    it('is refused where Slack does not say who is in a channel', async () => {
      access.rules = ofChannel
      await type(`preset save ${await endedJob()} nightly`)
      expect(await type('schedule nightly "0 2 * * *"')).toContain('Only a rule for this channel lets you run this')
      expect(await schedules()).toEqual([])
    })

    it('stops when only such a rule is left, and posts in its channel until then', async () => {
      await type(`preset save ${await endedJob()} nightly`)
      await type('schedule nightly "0 2 * * *"')
      passTo(night)
      await runDue()
      expect((await jobs()).at(-1)).toMatchObject({ state: 'queued', channel: 'C1', askedIn: null })
      access.rules = ofChannel
      passTo(night + 86_400_000)
      await runDue()
      expect((await jobs()).at(-1)?.detail).toContain("You can't schedule this any more.")
    })
  })

  it('runs only the latest of the nights that were missed, or none', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    await type('schedule nightly "0 2 * * *"')
    await type('schedule nightly "0 3 * * *" skip')
    passTo(night + 10.5 * 86_400_000)
    await runDue()
    const made = (await jobs()).slice(1)
    expect(made.map(({ submission }) => submission.split(':').at(-1))).toEqual([`${night + 10 * 86_400_000}`])
    expect((await schedules()).map(({ nextAt }) => (nextAt ?? 0) > context.now())).toEqual([true, true])
  })

  it('tries again within the hour while Slack does not say who its owner is, and then says so', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    await type('schedule nightly "0 2 * * *"')
    const start = async () => ({ kind: 'later', reason: 'Slack is away.', channel: 'U1' }) as const
    passTo(night)
    for (let tries = 0; tries < 12; tries += 1) {
      await runDueSchedules(context, start)
      expect(await jobs()).toHaveLength(1)
      context.pass(5 * 60_000)
    }
    await runDueSchedules(context, start)
    expect((await jobs()).at(-1)).toMatchObject({ state: 'failed', detail: expect.stringContaining('Slack is away.') })
  })

  it('that can’t start says so where its preset’s threads go, or else to its owner alone', async () => {
    services.people = testPeople(context, ['C1', 'C2'])
    await savePreset(context.db, newPreset({ channel: 'C2' }), 'C1', 1)
    const saving = await savePreset(context.db, newPreset({ name: 'here' }), 'C1', 1)
    if (saving.kind !== 'saved') throw new Error(saving.kind)
    await type('schedule nightly "0 2 * * *"')
    await type('schedule here "0 3 * * *"')
    access.rules = []
    const told = async (at: number) => {
      const before = await jobs()
      passTo(at)
      await runDue()
      return (await jobs()).slice(before.length).map(({ channel }) => channel)
    }
    const hours = (count: number) => night + count * 3_600_000
    expect(await told(hours(0))).toEqual(['C2'])
    expect(await told(hours(1))).toEqual(['C1'])
    services.people = testPeople(context, [])
    expect(await told(hours(25)), 'who left both channels').toEqual(['U1', 'U1'])
    await deletePreset(context.db, saving.preset, { actor: 'U1', channel: 'C1' }, 1)
    services.people = testPeople(context, ['C1', 'C2'])
    expect((await told(hours(49))).sort(), 'with one preset deleted').toEqual(['C2', 'U1'])
    const unknown = async () => await Promise.reject(new Error('a bug'))
    passTo(hours(73))
    for (let tries = 0; tries < 13; tries += 1) {
      await runDueSchedules(context, unknown)
      context.pass(5 * 60_000)
    }
    expect((await jobs()).slice(-2).map(({ channel }) => channel)).toEqual(['U1', 'U1'])
    for (const job of await jobs()) expect(job).toMatchObject({ state: 'failed', askedIn: null })
  })

  it('says when its preset was deleted', async () => {
    await type(`preset save ${await endedJob()} nightly`)
    await type('schedule nightly "0 2 * * *"')
    await type('preset delete nightly')
    passTo(night)
    await runDue()
    expect((await jobs()).at(-1)?.detail).toContain('The preset was deleted.')
  })
})
