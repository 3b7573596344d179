/** Submissions that the database cannot take: the person is told, nothing is half done, and sending again is enough. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { registerFormSubmit } from '../../src/commands/clone/form-submit.js'
import { callbacks } from '../../src/slack/form/view.js'
import type { BoltApp } from '../../src/slack/transport/bolt-app.js'
import { saveDraft } from '../../src/store/drafts.js'
import { testBoltApp, testPeople, testServices } from '../helpers/bolt-app.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { type SharedDatabase, shareTestDatabase } from '../helpers/database.js'
import { fillUp } from '../helpers/disk.js'

const ann = 'U1'
const busy = 'The database is busy. Nothing starts twice. Try again in a moment.'
const sorry = /Something broke on our side.*Nothing starts twice\. Try again, and tell/

let shared: SharedDatabase
let context: TestContext
let app: BoltApp
let woken: number
/** What the log says of them. */
let errors: unknown[]

beforeEach(async () => {
  shared = await shareTestDatabase()
  context = await testContext({ db: await shared.open(10) })
  woken = 0
  errors = []
  context.log = { ...context.log, error: (fields) => void errors.push('err' in fields ? String(fields.err) : fields) }
  app = testBoltApp()
  registerFormSubmit(app, testServices(context, { people: testPeople(context, ['C1']), wake: () => void woken++ }))
})
afterEach(() => shared.close())

/** Sends page 2 or 3 as Slack does; answers with what is shown in the modal. */
async function submit(callback_id: string, private_metadata: string): Promise<string> {
  const state = {
    values: {
      name: { a: { type: 'plain_text_input', value: 'copy' } },
      deploy: { a: { type: 'checkboxes', selected_options: [] } },
      _channel: { a: { type: 'conversations_select', selected_conversation: 'C1' } },
    },
  }
  const view = { id: 'V1', root_view_id: 'V1', type: 'modal', callback_id, private_metadata, hash: 'h', state }
  const body = { type: 'view_submission', team: { id: 'T1' }, user: { id: ann, team_id: 'T1' }, view }
  let answer: unknown
  const ack = async (given: unknown) => {
    answer = given
  }
  await app.processEvent({ body, ack })
  return JSON.stringify(answer)
}

/** The key of a last page that only waits to be confirmed. */
async function confirmable(name = 'copy'): Promise<string> {
  const facts = { askedIn: 'C1', isNamedByProvider: false, isValidated: false, shown: {} }
  const answers = { connection: 'dummy-one', operation: 'clone', channel: 'C1', mentionOnSuccess: false, ...facts }
  return await saveDraft(context.db, 'answers', ann, { ...answers, values: { name }, named: { name } }, context.now())
}

async function rows(): Promise<{ jobs: number; events: number; drafts: number }> {
  const count = async (table: 'jobs' | 'events' | 'drafts') =>
    (await context.db.selectFrom(table).selectAll().execute()).length
  return { jobs: await count('jobs'), events: await count('events'), drafts: await count('drafts') }
}

describe('a submission', () => {
  it('of the last page while another process holds the database says so, and makes one job when it is sent again', async () => {
    const key = await confirmable()
    const letGo = await shared.hold()
    expect(await submit(callbacks.preview, key)).toContain(busy)
    expect(await rows()).toEqual({ jobs: 0, events: 0, drafts: 1 })
    await letGo()
    expect(await submit(callbacks.preview, key)).toBe('{"response_action":"clear"}')
    expect(await submit(callbacks.preview, key)).toBe('{"response_action":"clear"}')
    expect(await rows()).toEqual({ jobs: 1, events: 1, drafts: 0 })
    expect(woken).toBe(1)
  })

  it('of the form while another process holds the database says so, and leads on when it is sent again', async () => {
    const memory = { values: {}, labels: {}, remarks: {}, typed: {}, channel: 'C1', opening: '' }
    const form = JSON.stringify({ connection: 'dummy-one', operation: 'clone', ...memory })
    const letGo = await shared.hold()
    expect(await submit(callbacks.form, form)).toContain(busy)
    await letGo()
    expect(await submit(callbacks.form, form)).toContain('operation_preview')
    expect(await rows()).toEqual({ jobs: 0, events: 0, drafts: 1 })
  })

  it('on a full disk says so, leaves nothing half done, and makes one job once there is room', async () => {
    // Longer than a page, so that it takes a new one.
    const key = await confirmable('sheep-'.repeat(2_000))
    const heal = await fillUp(context.db)
    expect(await submit(callbacks.preview, key)).toMatch(sorry)
    expect(await rows()).toEqual({ jobs: 0, events: 0, drafts: 1 })
    expect(woken).toBe(0)
    expect(errors).toEqual([expect.stringContaining('disk is full')])
    await heal()
    expect(await submit(callbacks.preview, key)).toBe('{"response_action":"clear"}')
    expect(await rows()).toEqual({ jobs: 1, events: 1, drafts: 0 })
  })
})
