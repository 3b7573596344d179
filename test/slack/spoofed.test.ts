/** Requests that Slack signed and that say what no form or button of ours would say. */
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebClient } from '@slack/web-api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import type { AccessRules } from '../../src/access/rules.js'
import { Validator } from '../../src/commands/clone/validate.js'
import { registerCommands } from '../../src/commands/index.js'
import { PickerLists } from '../../src/commands/picker-lists.js'
import { seenInMemory } from '../../src/lib/seen.js'
import type { Connection } from '../../src/providers/provider.js'
import { People } from '../../src/slack/api/people.js'
import { jobActions } from '../../src/slack/message/buttons.js'
import type { SlackTransport } from '../../src/slack/transport/bolt-app.js'
import { BoltApp } from '../../src/slack/transport/bolt-app.js'
import { openHttpTransport } from '../../src/slack/transport/http.js'
import { saveDraft } from '../../src/store/drafts.js'
import type { NewJob } from '../../src/store/new-job.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { dummyConnection } from '../helpers/dummy-provider.js'
import { quietLogger, signed } from '../helpers/slack-request.js'

const secret = 'shhh'
const ann = 'U1'
const mallory = 'U2'

/** A Slack that answers "ok" to everything and keeps what it received. */
let slack: Server
let slackUrl: string
let received: string[]
let context: TestContext
let transport: SlackTransport
let address: string
let errors: unknown[]
let woken: number
let lists: number
let access: AccessRules
/** What Slack says of anybody it is asked about, beside their workspace. */
let profile: object
/** The channels that Slack says somebody is in. */
let channelsOf: Record<string, { id: string; is_ext_shared?: boolean }[]>
/** Milliseconds by a clock that nobody sets. */
let elapsed: number

beforeAll(async () => {
  slack = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (!/auth\.test$|users\.info/.test(request.url ?? ''))
      received.push(`${request.url} ${decodeURIComponent(body.replaceAll('+', ' '))}`)
    const answer = { ok: true, user: { team_id: 'T1', ...profile } }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => slack.listen(0, '127.0.0.1', resolve))
  slackUrl = `http://127.0.0.1:${(slack.address() as AddressInfo).port}`
})
afterAll(async () => void (await new Promise((resolve) => slack.close(resolve))))

beforeEach(async () => {
  received = []
  errors = []
  woken = 0
  lists = 0
  elapsed = 0
  profile = {}
  channelsOf = { [ann]: [{ id: 'C1' }], [mallory]: [{ id: 'C1' }] }
  // What their own jobs ask, requesters may answer without a rule.
  access = { owner: '#platform', rules: [{ who: ['members'], may: ['clone', 'blind'], on: ['*'], target: ['*'] }] }
  const logError = (fields: object, message: string) => void errors.push({ message, ...fields })
  context = await testContext({ log: { debug() {}, info() {}, warn() {}, error: logError } })
  const connection = dummyConnection(context.world)
  const pickers = {
    things: async () => {
      lists += 1
      return [{ value: 'one', label: 'One' }]
    },
  }
  const connections = new Map<string, Connection>([
    ['dummy-one', { ...connection, provider: { ...connection.provider, pickers } }],
  ])
  const logger = { ...quietLogger, error: (...words: unknown[]) => void errors.push(words) }
  const port = await freePort()
  address = `http://127.0.0.1:${port}/slack/events`
  transport = openHttpTransport(secret, port, logger, { now: Date.now, seenBefore: seenInMemory(Date.now) })
  const client = new WebClient('xoxb-1', { slackApiUrl: `${slackUrl}/api/`, retryConfig: { retries: 0 } })
  const app = new BoltApp({
    receiver: transport.receiver,
    authorize: async () => ({ botToken: 'xoxb-1', botId: 'B1', botUserId: 'U0', teamId: 'T1' }),
    logger,
    clientOptions: { slackApiUrl: `${slackUrl}/api/`, retryConfig: { retries: 0 } },
  })
  registerCommands(app, {
    db: context.db,
    connections,
    lists: new PickerLists(() => elapsed, context.log),
    validator: new Validator(context.log),
    seenBefore: seenInMemory(Date.now),
    people: new People({
      slack: client,
      team: async () => 'T1',
      groups: [],
      channels: {
        list: async ({ user }) => ({ channels: channelsOf[user] ?? [] }),
        scopes: () => ['channels:read', 'groups:read'],
        mayBeShared: false,
      },
      elapsed: () => elapsed,
      log: context.log,
    }),
    access,
    wake: () => void woken++,
    waitForThread: async () => null,
    now: context.now,
    elapsed: () => elapsed,
    showHome: async () => ({ hash: null }),
    describe: async () => {
      throw new Error('Nobody asks for this.')
    },
    workspaceUrl: () => 'https://woolworks.slack.com/',
    log: context.log,
  })
  app.error(async (error) => void errors.push(error))
  await transport.start()
})
afterEach(async () => {
  await transport.stop()
  await context.db.destroy()
})

/** Sends an interaction as this person of this workspace; answers with what came back and what Slack received. */
async function send(payload: object, { user = mallory, team = 'T1' } = {}) {
  const envelope = {
    team: { id: team },
    user: { id: user },
    // Two requests are never the same to the byte: that would be a replay.
    trigger_id: randomUUID(),
    response_url: `${slackUrl}/response`,
    ...payload,
  }
  return await post(new URLSearchParams({ payload: JSON.stringify(envelope) }))
}

async function post(parameters: URLSearchParams) {
  const body = parameters.toString()
  const began = Date.now()
  const response = await fetch(address, { method: 'POST', body, headers: signed(body, secret) })
  const answer = await response.text()
  expect(response.status).toBe(200)
  expect(Date.now() - began).toBeLessThan(2_000)
  // What comes after the acknowledgement comes at once, over the loopback.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  const said = answer + received.join('\n')
  expect(said).not.toMatch(/\n? at .*:\d+|Error:|SyntaxError|ZodError|SQLITE|node_modules/)
  return { answer, said }
}

/** What came by the response URL, which is after the answer. */
const whispered = () => expect.poll(() => received.join('\n'), { timeout: 5_000 })

async function everything(): Promise<string> {
  const { db } = context
  const tables = (['jobs', 'events', 'drafts'] as const).map((table) => db.selectFrom(table).selectAll().execute())
  return JSON.stringify(await Promise.all(tables))
}

const press = (action_id: string, value: unknown, rest: object = {}) => ({
  type: 'block_actions',
  container: { type: 'message' },
  actions: [{ type: 'button', action_id, block_id: 'question', value }],
  ...rest,
})
const memory = (rest: object = {}) =>
  JSON.stringify({
    connection: 'dummy-one',
    operation: 'clone',
    values: {},
    labels: {},
    remarks: {},
    typed: {},
    channel: 'C1',
    opening: 'made up',
    ...rest,
  })
const state = {
  values: {
    name: { a: { type: 'plain_text_input', value: 'copy' } },
    deploy: { a: { type: 'checkboxes', selected_options: [] } },
    _channel: { a: { type: 'conversations_select', selected_conversation: 'C1' } },
  },
}
const view = (callback_id: string, private_metadata: unknown) => ({
  view: { id: 'V1', type: 'modal', callback_id, private_metadata, hash: 'h', root_view_id: 'V1', state },
})
/** What page 2 leaves behind for page 3. */
const answers = {
  connection: 'dummy-one',
  operation: 'clone',
  values: { name: 'copy', deploy: false },
  named: { name: 'copy' },
  channel: 'C1',
  mentionOnSuccess: false,
  askedIn: null,
  isNamedByProvider: false,
  isValidated: false,
  shown: {},
}
const submit = (callback_id: string, private_metadata: unknown) => ({
  type: 'view_submission',
  ...view(callback_id, private_metadata),
})
const list = (private_metadata: unknown, block_id = 'things', action_id = 'field:things:') => ({
  type: 'block_suggestion',
  action_id,
  block_id,
  value: '',
  ...view('operation_form', private_metadata),
})
const choose = (private_metadata: unknown) => ({
  type: 'block_actions',
  container: { type: 'view' },
  actions: [{ type: 'external_select', action_id: 'field:name:', block_id: 'name' }],
  ...view('operation_form', private_metadata),
})

/** Sent without a trace: answered, nothing written, nothing begun, and no bug in the log. */
async function expectNothing(payload: object, as: Parameters<typeof send>[1] = {}) {
  const before = await everything()
  const result = await send(payload, as)
  expect(await everything()).toBe(before)
  expect(woken).toBe(0)
  expect(context.world.writes).toBe(0)
  expect(errors).toEqual([])
  return result
}

async function askUncertain(draft: Partial<NewJob> = {}, channel = 'C1') {
  const job = await context.ask({ requester: ann, ...draft })
  const question = { state: 'uncertain', dueAt: null } as const
  await context.db.updateTable('jobs').set(question).where('id', '=', job.id).execute()
  await context.db.updateTable('messages').set({ channel, ts: '1.1' }).where('jobId', '=', job.id).execute()
  return job
}

describe('a button that names', () => {
  const values: Record<string, unknown> = {
    'no job at all': 'zzzzz',
    'nothing that could be an id': "'; drop table jobs; --",
    'two kilobytes': 'x'.repeat(2_048),
    'an object': { id: 'k7f3q' },
    'a list': ['k7f3q'],
    nothing: undefined,
  }
  for (const [name, value] of Object.entries(values)) {
    it(`${name} learns that there is no such job`, async () => {
      await askUncertain()
      received = []
      await expectNothing(press(jobActions.startOver, value))
      await whispered().toContain("There's no job ")
    })
  }

  it('another person’s job does nothing', async () => {
    const { id } = await askUncertain()
    for (const action of [jobActions.startOver, jobActions.dismiss]) {
      received = []
      await expectNothing(press(action, id))
      await whispered().toMatch(/You can't .* job \w+. Ask #platform/)
    }
  })

  it('a job in another state does nothing', async () => {
    const { id } = await context.ask({ requester: ann })
    for (const state of ['starting', 'working', 'succeeded', 'failed', 'cancelled'] as const) {
      await context.db.updateTable('jobs').set({ state }).where('id', '=', id).execute()
      const others = state === 'working' ? [] : [jobActions.dismiss]
      for (const action of [jobActions.checkAgain, jobActions.startOver, ...others]) {
        received = []
        await expectNothing(press(action, id), { user: ann })
        await whispered().toContain("That's not possible any more")
      }
    }
  })

  it('a job that no version can carry on with ends it for whom the rules allow, and for nobody else', async () => {
    const { id } = await context.ask({ requester: ann, operation: 'gone', step: 'gone' })
    await context.runUntilIdle()
    errors = []
    access.rules = [{ who: ['C1'], may: ['gone'], on: ['dummy-one'], target: ['*'] }]
    await context.db.updateTable('jobs').set({ askedIn: 'C1' }).where('id', '=', id).execute()
    await context.db.updateTable('messages').set({ channel: 'C1', ts: '1.1' }).where('jobId', '=', id).execute()
    await expectNothing(press(jobActions.cancel, id))
    await whispered().toMatch(/You can't .* job \w+\./)
    await send(press(jobActions.cancel, id), { user: ann })
    await expect.poll(async () => (await context.job(id)).state).toBe('cancelled')
    expect(context.world.writes).toBe(0)
  })

  it('a job whose connection is gone ends it for who asked, whom no rule can name any more, and is not started again', async () => {
    const { id } = await askUncertain({ connection: 'gone-one', askedIn: 'C1' })
    access.rules = [{ who: ['members'], may: ['clone'], on: ['dummy-one'], target: ['*'] }]
    await expectNothing(press(jobActions.dismiss, id))
    await whispered().toMatch(/You can't .* job \w+\./)
    received = []
    await expectNothing(press(jobActions.startOver, id), { user: ann })
    await whispered().toMatch(/You can't .* job \w+\./)
    await send(press(jobActions.dismiss, id), { user: ann })
    await expect.poll(async () => (await context.job(id)).state).toBe('cancelled')
  })

  it('a job of the same person under their other id of the organization is theirs', async () => {
    profile = { id: ann, enterprise_user: { id: 'W1', teams: ['T1'] } }
    const { id } = await askUncertain({ requester: 'W1', askedIn: 'C1' }, 'D9')
    await send(press(jobActions.dismiss, id), { user: ann })
    await expect.poll(async () => (await context.job(id)).state).toBe('cancelled')
  })

  it('somebody else as the requester, in a message of their own making, does nothing', async () => {
    const { id } = await askUncertain()
    const message = { user: 'U0', text: `requested by <@${mallory}>`, metadata: { event_payload: { job: id } } }
    await expectNothing(press(jobActions.dismiss, id, { message }))
  })
})

describe('a forged answer to a request for approval', () => {
  async function askForApproval(rest: Partial<NewJob> = {}) {
    const request = {
      by: ['members'],
      count: 1,
      expiresAt: context.now() + 60_000,
      copied: '',
      notCopied: '',
      warning: null,
    }
    return await context.ask({ requester: ann, approval: request, ...rest })
  }
  const approve = (value: unknown, rest: object = {}) => press('job:approve', value, rest)

  it('to one’s own request counts for nothing, also with a message that says otherwise', async () => {
    const { id } = await askForApproval()
    const message = { user: 'U0', text: `requested by <@${mallory}>`, metadata: { event_payload: { job: id } } }
    for (const word of ['approve', 'deny']) {
      received = []
      await expectNothing(press(`job:${word}`, id, { message }), { user: ann })
      await whispered().toContain('You asked for job')
    }
  })

  it('from another workspace counts for nothing', async () => {
    const { id } = await askForApproval()
    await expectNothing(approve(id), { team: 'T2' })
    await expectNothing(approve(id, { user: { id: mallory, team_id: 'T2' } }))
    await whispered().toMatch(/You can't approve job \w+\. Ask #platform/)
  })

  it('with another job’s id counts for that one alone, and only from whom that one names', async () => {
    const [mine, theirs] = [await askForApproval(), await askForApproval({ lock: 'another', submission: 'another' })]
    const closed = JSON.stringify({ by: [ann], count: 1, expiresAt: context.now() + 60_000, copied: '', notCopied: '' })
    await context.db.updateTable('jobs').set({ approval: closed }).where('id', '=', theirs.id).execute()
    // The message is the one of a request that is Mallory's to answer.
    await expectNothing(approve(theirs.id, { message: { metadata: { event_payload: { job: mine.id } } } }))
    await whispered().toMatch(/You can't approve job \w+\. Ask #platform/)
  })

  it.each([[['k7f3q']], [{ id: 'k7f3q' }], [undefined], ['x'.repeat(2_048)]])(
    'that names no job learns that there is none: %j',
    async (value) => {
      await askForApproval()
      await expectNothing(approve(value))
      await whispered().toContain("There's no job ")
    },
  )

  it('to a job that waits for nobody, or no longer, changes nothing', async () => {
    const plain = await context.ask({ requester: ann })
    await expectNothing(approve(plain.id))
    await whispered().toContain("doesn't need approval")
    const { id } = await askForApproval({ lock: 'another', submission: 'another' })
    for (const state of [
      'queued',
      'working',
      'uncertain',
      'succeeded',
      'failed',
      'denied',
      'expired',
      'cancelled',
    ] as const) {
      await context.db.updateTable('jobs').set({ state }).where('id', '=', id).execute()
      for (const word of ['approve', 'deny']) await expectNothing(press(`job:${word}`, id))
    }
  })

  it('as an entry of the menu is checked like the button', async () => {
    const { id } = await askForApproval()
    const option = { selected_option: { value: `approve ${id}` } }
    const action = { type: 'overflow', action_id: jobActions.more, block_id: 'question', ...option }
    const menu = { type: 'block_actions', container: { type: 'message' }, actions: [action] }
    await expectNothing(menu, { user: ann })
    await whispered().toContain('You asked for job')
  })
})

describe('a button pressed in another channel', () => {
  const inChannel = (id: string) => ({ channel: { id } })
  const ruleFor = (who: string, may: string) => ({ who: [who], may: [may], on: ['*'], target: ['*'] })
  const stateOf = async (id: string) => (await context.job(id)).state

  it('is judged by no rule of that channel: the thread is elsewhere', async () => {
    access.rules = [ruleFor('C2', '*')]
    const { id } = await askUncertain()
    for (const action of [jobActions.checkAgain, jobActions.startOver, jobActions.dismiss]) {
      received = []
      await expectNothing(press(action, id, inChannel('C2')))
      await whispered().toMatch(/You can't .* job \w+. Ask #platform/)
    }
    access.rules = [ruleFor('C1', 'cancel')]
    await send(press(jobActions.dismiss, id, inChannel('C1')))
    await expect.poll(() => stateOf(id)).toBe('cancelled')
  })

  it('answers for those whom a rule names themselves, as what they type anywhere would', async () => {
    access.rules = [ruleFor('members', 'retry')]
    const { id } = await askUncertain()
    await expectNothing(press(jobActions.dismiss, id, inChannel('C2')))
    await whispered().toMatch(/You can't .* job \w+. Ask #platform/)
    await send(press(jobActions.startOver, id, inChannel('C2')))
    await expect.poll(() => stateOf(id)).toBe('queued')
  })

  it('answers for who asked where a rule lets them, wherever the thread had to go', async () => {
    access.rules = [ruleFor('C1', 'clone')]
    const { id } = await askUncertain({ askedIn: 'C1', channel: 'C2' }, 'D9')
    await send(press(jobActions.dismiss, id, inChannel('D9')), { user: ann })
    await expect.poll(() => stateOf(id)).toBe('cancelled')
  })

  it('answers for nobody who asked elsewhere, or where nobody knows', async () => {
    access.rules = [ruleFor('C1', 'clone')]
    for (const askedIn of ['C2', null]) {
      const { id } = await askUncertain({ askedIn })
      received = []
      await expectNothing(press(jobActions.dismiss, id, inChannel('C1')), { user: ann })
      await whispered().toMatch(/You can't .* job \w+. Ask #platform/)
    }
  })
})

describe('another workspace', () => {
  it('gets nothing done, whatever it sends', async () => {
    const { id } = await askUncertain()
    const draft = await saveDraft(context.db, 'answers', ann, answers, context.now())
    const strangers = { user: ann, team: 'T2' }
    for (const payload of [
      press(jobActions.startOver, id),
      choose(memory()),
      list(memory()),
      submit('operation_form', memory()),
      submit('operation_preview', draft),
      submit('operation_choice', '{"channel":"C1","opening":"","values":{}}'),
    ]) {
      await expectNothing(payload, strangers)
    }
    expect(lists).toBe(0)
    const response_url = `${slackUrl}/response`
    const command = { command: '/clone-app', text: 'help', team_id: 'T2', user_id: ann, channel_id: 'C1', response_url }
    received = []
    await post(new URLSearchParams(command))
    await whispered().toContain("You can't use Dolly here. Ask #platform")
    expect(errors).toEqual([])
  })
})

describe('a form that remembers', () => {
  const memories: Record<string, unknown> = {
    'broken JSON': '{"connection":',
    nothing: '',
    'a list': '[]',
    null: 'null',
    'a number': 7,
    'half of what it should': '{"connection":"dummy-one"}',
    'other types': memory({ values: [1, 2], channel: { id: 'C1' } }),
    'a channel that is none': memory({ channel: 'C1> <!channel' }),
    'a connection that does not exist': memory({ connection: 'dummy-two' }),
    'an operation that does not exist': memory({ operation: 'wipe' }),
    'an operation that every object answers to': memory({ operation: 'constructor' }),
    'a connection that every object answers to': memory({ connection: '__proto__' }),
  }
  for (const [name, remembered] of Object.entries(memories)) {
    it(`${name} leads nowhere`, async () => {
      const form = await expectNothing(submit('operation_form', remembered))
      expect(form.answer).toMatch(/Start again with \/clone-app|You can't/)
      const listed = await expectNothing(list(remembered))
      expect(listed.answer).toBe('{"options":[]}')
      expect((await expectNothing(choose(remembered))).said).toBe('')
      expect(lists).toBe(0)
    })
  }

  it('nothing that page 1 could have said leads nowhere', async () => {
    const chosen = { choice: { choice: { selected_option: { value: 'dummy-one/clone' } } } }
    const spoiled = [
      '{"channel":7,"opening":"","values":{}}',
      '{"channel":"<!here>","opening":"","values":{}}',
      '{"channel":"C1","opening":""}',
      '{"channel":"C1","opening":"","values":[]}',
      '{"channel":"C1","values":{}}',
    ]
    for (const remembered of ['', '{', '[]', ...spoiled]) {
      const spoofed = submit('operation_choice', remembered)
      const { answer } = await expectNothing({ ...spoofed, view: { ...spoofed.view, state: { values: chosen } } })
      expect(answer).toContain('Start again with /clone-app')
    }
  })

  it('more keys than ours, __proto__ among them, is read without them', async () => {
    const polluted = `{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},${memory({
      requester: ann,
    }).slice(1)}`
    const values = memory().replace('"values":{}', '"values":{"__proto__":"x","name":"copy"}')
    for (const remembered of [polluted, values]) {
      const { answer } = await send(submit('operation_form', remembered))
      expect(answer).toContain('"response_action":"push"')
    }
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
    const drafts = await context.db.selectFrom('drafts').selectAll().execute()
    expect(drafts.map(({ requester }) => requester)).toEqual([mallory, mallory])
    expect(JSON.stringify(drafts)).not.toContain('isAdmin')
    expect(errors).toEqual([])
  })

  it('another operation is checked as that operation, and asks before anything is done', async () => {
    const { answer } = await send(submit('operation_form', memory({ operation: 'blind' })))
    expect(answer).toContain('Clone blindly')
    expect(answer).toContain('"response_action":"push"')
    expect(await context.db.selectFrom('jobs').selectAll().execute()).toEqual([])
  })

  it('somebody else’s draft, or none, is refused as expired', async () => {
    const draft = await saveDraft(context.db, 'answers', ann, answers, context.now())
    for (const key of [draft, 'made up', '', '{"draft":1}', 'x'.repeat(3_000)]) {
      const { answer } = await expectNothing(submit('operation_preview', key))
      expect(answer).toContain('has expired')
    }
  })
})

describe('Start, pressed on answers that page 2 let through,', () => {
  const refusal = `You can't run clone on dummy-one to \\"copy\\". Ask #platform`
  let draft: string
  const start = () => submit('operation_preview', draft)

  const fillIn = async () => {
    const { answer } = await send(submit('operation_form', memory()), { user: ann })
    const shown: unknown = JSON.parse(answer)
    expect(shown).toMatchObject({ response_action: 'push', view: { callback_id: 'operation_preview' } })
    draft = (shown as { view: { private_metadata: string } }).view.private_metadata
  }
  const expectStarted = async () => {
    expect((await send(start(), { user: ann })).answer).toBe('{"response_action":"clear"}')
    expect(await context.db.selectFrom('jobs').select(['requester', 'target']).execute()).toEqual([
      { requester: ann, target: 'copy' },
    ])
  }

  it('is refused under rules that changed since', async () => {
    const before = access.rules
    const now = [[], [{ who: ['members'], may: ['blind'], on: ['*'], target: ['*'] }]]
    await fillIn()
    for (const rules of now) {
      access.rules = rules
      expect((await expectNothing(start(), { user: ann })).answer).toContain(refusal)
    }
    // It was for the rules alone: the answers are still good.
    access.rules = before
    await expectStarted()
  })

  it('is refused to who became a guest or was deactivated since, five minutes after at the latest', async () => {
    await fillIn()
    for (const changed of [{ is_restricted: true }, { is_ultra_restricted: true }, { deleted: true }]) {
      profile = changed
      elapsed += 5 * 60_000
      expect((await expectNothing(start(), { user: ann })).answer).toContain(refusal)
    }
    profile = {}
    elapsed += 5 * 60_000
    await expectStarted()
  })

  it('is refused where a rule for targets came since, even one that fits: nobody has read the name', async () => {
    const rules = [{ who: ['members'], may: ['clone'], on: ['*'], target: ['copy'] }]
    await fillIn()
    access.rules = rules
    expect((await expectNothing(start(), { user: ann })).answer).toContain('has expired')
    await fillIn()
    await expectStarted()
  })

  it('is refused where the name that was read fits a refusal that came since', async () => {
    const targets = (may: string[], target: string) => ({ who: ['members'], may, on: ['*'], target: [target] })
    access.rules = [targets(['clone'], 'c*')]
    await fillIn()
    access.rules = [targets([], 'COPY'), targets(['clone'], '*')]
    expect((await expectNothing(start(), { user: ann })).answer).toContain(refusal)
  })
})

describe('a place for the thread', () => {
  const at = (selected_conversation: string, private_metadata: string) => {
    const submission = submit('operation_form', private_metadata)
    const values = { ...state.values, _channel: { a: { type: 'conversations_select', selected_conversation } } }
    return { ...submission, view: { ...submission.view, state: { values } } }
  }
  /** Sends the form with this place, and then Start; answers with what is shown, and where the job's thread goes. */
  async function startAt(place: string, typedIn = 'C5') {
    const opening = await saveDraft(context.db, 'opening', ann, { askedIn: typedIn }, context.now())
    const { answer } = await send(at(place, memory({ opening })), { user: ann })
    const shown = JSON.parse(answer)
    if (shown.response_action !== 'push') return { answer, channel: undefined }
    const started = await send(submit('operation_preview', shown.view.private_metadata), { user: ann })
    const job = await context.db.selectFrom('jobs').select('channel').executeTakeFirst()
    return { answer: started.answer, channel: job?.channel }
  }

  it.each([
    { name: 'the channel where the command was typed', place: 'C5', channel: 'C5' },
    { name: 'a private channel that one is in', place: 'G1', channel: 'G1' },
    { name: 'one’s own direct messages', place: ann, channel: ann },
    { name: 'somebody’s direct message, which then means one’s own', place: 'D9', channel: ann },
    { name: 'a direct message in which the command was typed', place: 'D7', typedIn: 'D7', channel: 'D7' },
  ])('may be $name', async ({ place, typedIn, channel }) => {
    channelsOf = { [ann]: [{ id: 'C1' }, { id: 'G1' }] }
    expect(await startAt(place, typedIn)).toMatchObject({ channel })
  })

  it.each([
    { name: 'a channel that one is not in', place: 'C2', problem: "I can't see that you're in this channel" },
    {
      name: 'a private channel that one is not in',
      place: 'G2',
      problem: "I can't see that you're in this channel",
    },
    { name: 'another person', place: mallory, problem: "I can't see that you're in this channel" },
    { name: 'a channel shared with another company', place: 'C3', problem: 'is shared with another company' },
    { name: 'a shared channel where the command was typed', place: 'C3', typedIn: 'C3', problem: 'is shared with' },
  ])('cannot be $name', async ({ place, typedIn, problem }) => {
    channelsOf = { [ann]: [{ id: 'C1' }, { id: 'C3', is_ext_shared: true }], [mallory]: [{ id: 'C2' }, { id: 'G2' }] }
    const { answer } = await startAt(place, typedIn)
    expect(JSON.parse(answer)).toEqual({
      response_action: 'errors',
      errors: { _channel: expect.stringContaining(problem) },
    })
    expect(await context.db.selectFrom('jobs').selectAll().execute()).toEqual([])
  })

  it('is checked once more at Start, because the person may have left it since', async () => {
    const { answer } = await send(at('C1', memory()), { user: ann })
    const draft = JSON.parse(answer).view.private_metadata
    channelsOf = {}
    elapsed += 5 * 60_000
    const refusal = await expectNothing(submit('operation_preview', draft), { user: ann })
    expect(refusal.answer).toContain('Choose the channel where you typed the command, or your direct messages.')
  })

  it('is refused while Slack does not say who is where, with two places that need no asking', async () => {
    channelsOf = Object.defineProperty({}, ann, {
      get: () => {
        throw new Error('Slack is away.')
      },
    })
    expect((await startAt('C1')).answer).toContain("Slack didn't say whether you're in this channel. Try again")
    errors.length = 0
    expect(await startAt('C5')).toMatchObject({ channel: 'C5' })
  })
})

describe('a key of another kind', () => {
  it('opens nothing: page 3 is no note of where a form was opened, and such a note is no page 3', async () => {
    access.rules = [{ who: ['C5'], may: ['clone'], on: ['*'], target: ['*'] }]
    const page3 = await saveDraft(context.db, 'answers', mallory, { ...answers, askedIn: 'C5' }, context.now())
    const { answer } = await expectNothing(submit('operation_form', memory({ opening: page3 })))
    expect(answer).toContain("You can't run clone on dummy-one")
    const note = await saveDraft(context.db, 'opening', mallory, { ...answers, askedIn: 'C5' }, context.now())
    expect((await expectNothing(submit('operation_preview', note))).answer).toContain('has expired')
  })
})

describe('a flood', () => {
  const command = () =>
    new URLSearchParams({
      command: '/clone-app',
      text: 'help',
      team_id: 'T1',
      user_id: mallory,
      trigger_id: randomUUID(),
      response_url: `${slackUrl}/response`,
    })

  it('of commands is answered with a sentence for that person alone, and reaches nobody else', async () => {
    for (let count = 0; count < 10; count += 1) expect((await post(command())).answer).toBe('')
    await expect.poll(() => received.length, { timeout: 5_000 }).toBe(10)
    for (let count = 0; count < 20; count += 1) {
      expect(JSON.parse((await post(command())).answer)).toEqual({
        response_type: 'ephemeral',
        text: 'That was a lot at once. Wait 3 s, then type the command again.',
      })
    }
    expect(received).toHaveLength(10)
    // The wait ends when it was said to, although the clock was set back.
    context.pass(-24 * 60 * 60_000)
    elapsed = 3_000
    expect((await post(command())).answer).toBe('')
  })
})

describe('a flood of choices in a form', () => {
  it('is answered with one notice on top of the form, and no list is read for it', async () => {
    const count = (method: string) => received.filter((one) => one.includes(method)).length
    for (let sent = 0; sent < 60; sent += 1) await send(choose(memory()))
    await expect.poll(() => count('views.update'), { timeout: 5_000 }).toBe(60)
    for (let sent = 0; sent < 10; sent += 1) await send(choose(memory()))
    await expect.poll(() => count('views.push'), { timeout: 5_000 }).toBe(1)
    expect(received.at(-1)).toContain('Wait 1 s, then choose again. Press Back')
    expect(count('views.update')).toBe(60)
    // Somebody else is not kept waiting, and neither is anybody who searches a list.
    await send(choose(memory()), { user: ann })
    await expect.poll(() => count('views.update'), { timeout: 5_000 }).toBe(61)
    for (let sent = 0; sent < 100; sent += 1) expect((await send(list(memory()))).answer).toBe('{"options":[]}')
    expect(errors).toEqual([])
  })
})

describe('what no form of ours has', () => {
  const strange: Record<string, object> = {
    'an unknown button': press('job:erase', 'k7f3q'),
    'an unknown element': press('__proto__', 'k7f3q'),
    'an unknown form': submit('operation_wipe', memory()),
    'an unknown list': list(memory(), 'things', 'secrets'),
    'a closed form': { type: 'view_closed', ...view('operation_form', memory()) },
    'an unknown kind of request': { type: 'block_party' },
    'a shortcut': { type: 'shortcut', callback_id: 'wipe' },
  }
  for (const [name, payload] of Object.entries(strange)) {
    it(`such as ${name} is answered with silence`, async () => {
      expect((await expectNothing(payload)).said).toBe('')
    })
  }

  it('such as a list for an unknown field is empty', async () => {
    for (const field of ['nothing', '__proto__', 'constructor', '_channel', 'x'.repeat(255)]) {
      expect((await expectNothing(list(memory(), field))).answer).toBe('{"options":[]}')
    }
    expect(lists).toBe(0)
  })

  it('such as an unknown command is answered with silence', async () => {
    const command = new URLSearchParams({ command: '/wipe', text: '', team_id: 'T1', user_id: mallory })
    expect((await post(command)).said).toBe('')
    expect(errors).toEqual([])
  })
})
