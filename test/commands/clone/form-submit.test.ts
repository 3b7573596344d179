/** Pages that are sent: what the provider says to them in time, and what happens where too many come at once. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { viewProblems } from '../../../sandbox/slack/checks.js'
import type { AccessRules } from '../../../src/access/rules.js'
import { registerCommands } from '../../../src/commands/index.js'
import { PickerLists } from '../../../src/commands/picker-lists.js'
import { UserError } from '../../../src/errors.js'
import type { Connection, Operation, Validation } from '../../../src/providers/provider.js'
import { People } from '../../../src/slack/api/people.js'
import { callbacks } from '../../../src/slack/form/view.js'
import type { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { testBoltApp, testPeople, testServices } from '../../helpers/bolt-app.js'
import { type TestContext, testContext } from '../../helpers/context.js'

let context: TestContext
let app: BoltApp
let access: AccessRules
let elapsed: number
/** What the provider says, and how often it was asked. */
let validate: NonNullable<Operation['validate']>
let asked: number

beforeEach(async () => {
  elapsed = 0
  asked = 0
  access = { owner: '#platform', rules: [{ who: ['members'], may: ['*'], on: ['*'], target: ['*'] }] }
  context = await testContext()
  const [dummy] = context.connections.values()
  if (!dummy?.provider.operations.clone) throw new Error('The dummy lost its operation.')
  const clone: Operation = {
    ...dummy.provider.operations.clone,
    validate: async (api, params) => {
      asked += 1
      return await validate(api, params)
    },
  }
  const connection: Connection = { ...dummy, provider: { ...dummy.provider, operations: { clone } } }
  app = testBoltApp()
  const services = testServices(context, {
    connections: new Map([[connection.name, connection]]),
    lists: new PickerLists(() => elapsed, context.log),
    people: testPeople(context, ['C1']),
    access,
    elapsed: () => elapsed,
  })
  registerCommands(app, services)
})
afterEach(async () => {
  vi.useRealTimers()
  await context.db.destroy()
})

interface Answer {
  response_action: string
  errors?: Record<string, string>
  view?: { callback_id: string; private_metadata: string; submit?: { text: string } }
}

async function submit(callback_id: string, private_metadata: string, user = 'U1', id = 'V1'): Promise<Answer> {
  const values = {
    name: { a: { type: 'plain_text_input', value: 'copy' } },
    deploy: { a: { type: 'checkboxes', selected_options: [] } },
    _channel: { a: { type: 'conversations_select', selected_conversation: 'C1' } },
    choice: { choice: { type: 'static_select', selected_option: { value: 'nothing/there' } } },
  }
  const view = {
    id,
    root_view_id: id,
    type: 'modal',
    callback_id,
    private_metadata,
    hash: 'h',
    state: { values },
  }
  const body = { type: 'view_submission', team: { id: 'T1' }, user: { id: user, team_id: 'T1' }, view }
  let answer: unknown
  const ack = async (given: unknown) => {
    answer = given
  }
  await app.processEvent({ body, ack })
  const said = answer as Answer
  if (said.view) expect(viewProblems(said.view)).toEqual([])
  return said
}

const memory = { values: {}, labels: {}, remarks: {}, typed: {}, channel: 'C1', opening: '' }
const form = JSON.stringify({ connection: 'dummy-one', operation: 'clone', ...memory })
const sendForm = (user?: string) => submit(callbacks.form, form, user)
const pressStart = (page: Answer) => submit(callbacks.preview, page.view?.private_metadata ?? '')
const jobs = async () => (await context.db.selectFrom('jobs').selectAll().execute()).length
const says = (found: Validation) => async () => found

/** Sends something while the provider never answers, and lets all the time pass that there is. */
async function whileSlow<T>(send: () => Promise<T>): Promise<T> {
  validate = () => new Promise(() => {})
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const before = asked
  const sent = send()
  await vi.waitFor(() => expect(asked).toBe(before + 1), { interval: 1 })
  await vi.advanceTimersByTimeAsync(2_300)
  const answer = await sent
  vi.useRealTimers()
  return answer
}

describe('page 2, once its answers are known to be fine,', () => {
  it('shows beside its fields what the provider refuses, and starts nothing', async () => {
    validate = says({ errors: { name: 'The name is taken.', deploy: 'It is off.', quota: 'It is full.' } })
    expect(await sendForm()).toEqual({
      response_action: 'errors',
      errors: { name: 'The name is taken. It is full.', deploy: 'Deploy: It is off.' },
    })
    validate = async () => {
      throw new UserError('The name is taken.', { field: 'name' })
    }
    expect(await sendForm()).toEqual({ response_action: 'errors', errors: { name: 'The name is taken.' } })
  })

  it('stays below a notice where no field can mend what the provider refuses', async () => {
    validate = async () => {
      throw new UserError('The account is closed.')
    }
    const answer = await sendForm()
    expect(answer).toMatchObject({ response_action: 'push', view: { callback_id: callbacks.notice } })
    expect(JSON.stringify(answer)).toContain('The account is closed.')
  })

  it('leads to a last page that warns of what the provider knows, before its own warning', async () => {
    validate = says({ warnings: ['It overwrites <b>billing</b>.', `It costs. ${'x'.repeat(9_000)}`] })
    const page = await sendForm()
    expect(page).toMatchObject({ response_action: 'push', view: { submit: { text: 'Clone a thing' } } })
    expect(JSON.stringify(page)).toContain('*⚠️ Before you start*\\nIt overwrites &lt;b&gt;billing&lt;/b&gt;.')
    expect(await pressStart(page)).toEqual({ response_action: 'clear' })
    expect({ asked, jobs: await jobs() }).toEqual({ asked: 1, jobs: 1 })
  })

  it('asks the provider nothing for somebody who may not write there', async () => {
    access.rules = [{ who: ['members'], may: ['clone'], on: ['*'], target: ['other'] }]
    expect(JSON.stringify(await sendForm())).toContain("You can't run clone on dummy-one")
    expect(asked).toBe(0)
  })
})

describe('a refusal', () => {
  const keepsForm = ({ response_action, view }: Answer) =>
    response_action === 'errors' || (view?.callback_id === callbacks.notice && !('clear_on_close' in view))

  it('of the last page lies on top of the form, which keeps its answers', async () => {
    validate = says({})
    const [first, second] = [await sendForm(), await sendForm()]
    const { rules } = access
    access.rules = []
    const refused = await pressStart(first)
    expect(JSON.stringify(refused)).toContain("You can't run clone on dummy-one")
    access.rules = rules
    expect(await pressStart(first)).toEqual({ response_action: 'clear' })
    const tooLate = await submit(callbacks.preview, second.view?.private_metadata ?? '', 'U1', 'V2')
    expect(JSON.stringify(tooLate)).toContain('You already asked for this')
    const expired = await submit(callbacks.preview, 'gone', 'U1', 'V3')
    expect(JSON.stringify(expired)).toContain('go back and press Next again; your answers are still there.')
    expect([refused, tooLate, expired].map(keepsForm)).toEqual([true, true, true])
    expect(await jobs()).toBe(1)
  })

  it('of the form is said in the form, or on top of it', async () => {
    validate = says({})
    const page = await sendForm()
    expect(await pressStart(page)).toEqual({ response_action: 'clear' })
    const locked = await sendForm()
    expect(JSON.stringify(locked)).toContain('You already asked for this')
    access.rules = []
    const forbidden = await sendForm()
    expect(JSON.stringify(forbidden)).toContain("You can't run clone on dummy-one")
    expect([locked, forbidden].map(keepsForm)).toEqual([true, true])
    for (const refusal of [locked, forbidden])
      expect(refusal).toMatchObject({ response_action: 'push', view: { close: { text: 'Back' } } })
  })
})

it('the last page asks for approval where a rule wants one', async () => {
  validate = says({})
  access.rules = access.rules.map((rule) => ({
    ...rule,
    approval: { by: ['U2'], count: 1, expiresMs: 4 * 3_600_000 },
  }))
  const page = await sendForm()
  expect(page.view?.submit?.text).toBe('Ask for approval')
  expect(JSON.stringify(page)).toContain('*Approval*\\n<@U2> must approve this within 4 h')
  expect(JSON.stringify(page)).toContain('Updates go to <#C1>.')
  expect(await pressStart(page)).toEqual({ response_action: 'clear' })
})

describe('a provider that is slow', () => {
  const unchecked =
    "dummy-one took too long to check this. I'll check again when you start. If it's refused then, the thread says why."

  it('keeps no one from the last page, which says so, and is asked once more at Start', async () => {
    const page = await whileSlow(sendForm)
    expect(page).toMatchObject({ response_action: 'push', view: { submit: { text: 'Clone a thing' } } })
    expect(JSON.stringify(page)).toContain(unchecked)
    validate = says({})
    expect(await pressStart(page)).toEqual({ response_action: 'clear' })
    expect({ asked, jobs: await jobs() }).toEqual({ asked: 2, jobs: 1 })
  })

  it('and refuses at Start is heard: nothing is started, and all answers stay', async () => {
    const page = await whileSlow(sendForm)
    validate = says({ errors: { name: 'The name <b> is taken.', quota: 'It is full.' } })
    const answer = await pressStart(page)
    expect(answer).toMatchObject({ response_action: 'push', view: { callback_id: callbacks.notice } })
    expect(JSON.stringify(answer)).toContain('*Name*: The name &lt;b&gt; is taken. It is full.\\nNothing was started.')
    expect(await jobs()).toBe(0)
    // The very same page can be sent again.
    validate = says({})
    expect(await pressStart(page)).toEqual({ response_action: 'clear' })
    expect(await jobs()).toBe(1)
  })

  it('and warns at Start is read before anything is started', async () => {
    const page = await whileSlow(sendForm)
    validate = says({ warnings: ['It overwrites billing.'] })
    const again = await pressStart(page)
    expect(again).toMatchObject({
      response_action: 'update',
      view: { callback_id: callbacks.preview, submit: { text: 'Clone a thing' } },
    })
    expect(JSON.stringify(again)).toContain('It overwrites billing.')
    expect(JSON.stringify(again)).not.toContain(unchecked)
    expect(await jobs()).toBe(0)
    expect(await pressStart(again)).toEqual({ response_action: 'clear' })
    expect({ asked, jobs: await jobs() }).toEqual({ asked: 2, jobs: 1 })
  })

  it('and warns at Start makes names no newer than they were read', async () => {
    const page = await whileSlow(sendForm)
    const readAt = async () => await context.db.selectFrom('drafts').select('createdAt').orderBy('createdAt').execute()
    const [first] = await readAt()
    context.pass(50_000)
    validate = says({ warnings: ['It overwrites billing.'] })
    await pressStart(page)
    expect(await readAt()).toEqual([first, first])
  })

  it('twice does not keep anybody from starting: the write has the last word', async () => {
    const page = await whileSlow(sendForm)
    expect(await whileSlow(() => pressStart(page))).toEqual({ response_action: 'clear' })
    expect(await jobs()).toBe(1)
  })

  it('is not waited for longer than Slack waits for the whole page', async () => {
    validate = async () => {
      throw new Error('It should not be asked.')
    }
    const slowPeople = vi.spyOn(People.prototype, 'get').mockImplementation(async () => {
      elapsed = 2_300
      return { id: 'U1', membership: 'member', groups: [] }
    })
    try {
      expect(JSON.stringify(await sendForm())).toContain(unchecked)
    } finally {
      slowPeople.mockRestore()
    }
    expect(asked).toBe(0)
  })
})

describe('a flood of submissions', () => {
  it('of one person is answered in the form, whose answers stay, and reaches nobody else', async () => {
    validate = says({})
    for (let count = 0; count < 30; count += 1) expect((await sendForm()).view?.callback_id).toBe(callbacks.preview)
    const before = asked
    const refused = await sendForm()
    expect(refused).toMatchObject({ response_action: 'push', view: { callback_id: callbacks.notice } })
    expect(JSON.stringify(refused)).toContain(
      'That was a lot at once. Wait 1 s, then submit again. Press Back: your answers are still there.',
    )
    expect((await pressStart(refused)).view?.callback_id).toBe(callbacks.notice)
    expect(await submit(callbacks.choice, '{}')).toEqual({
      response_action: 'errors',
      errors: { choice: 'That was a lot at once. Wait 1 s, then press Next again.' },
    })
    expect(asked).toBe(before)
    expect((await sendForm('U2')).view?.callback_id).toBe(callbacks.preview)
    elapsed = 1_000
    expect((await sendForm()).view?.callback_id).toBe(callbacks.preview)
  })
})
