/** Rules that look at what is copied: in lists, on page 2, at Start, and at the buttons of a job. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { AccessRules, Rule } from '../../../src/access/rules.js'
import { allowedOptions, isAllowedParent } from '../../../src/commands/authorize.js'
import { registerFormSubmit } from '../../../src/commands/clone/form-submit.js'
import { actButtons, registerJobButtons } from '../../../src/commands/jobs/buttons.js'
import { findTarget, type Services } from '../../../src/commands/services.js'
import {
  type Connection,
  defineOperation,
  defineProvider,
  type Option,
  UNKNOWN_PLACE,
} from '../../../src/providers/provider.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import { callbacks } from '../../../src/slack/form/view.js'
import { jobActions } from '../../../src/slack/message/buttons.js'
import type { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { saveDraft } from '../../../src/store/drafts.js'
import { testBoltApp, testServices } from '../../helpers/bolt-app.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { dummyConnection } from '../../helpers/dummy-provider.js'

const ann = 'U1'
const anybody = { id: ann, membership: 'member', groups: [], channel: 'C1' } as const
const rule = (rest: Partial<Rule>): Rule => ({ who: ['members'], may: ['*'], on: ['*'], target: ['*'], ...rest })

let context: TestContext
let app: BoltApp
let services: Services
let access: AccessRules
/** What the provider calls its things now. */
let apps: Option[]
let containers: Option[]
let spaces: Option[]
let isListed: boolean

const copyFields = z.object({
  app: z.string().regex(/^a\d$/).meta({ title: 'App', picker: 'apps' }),
  name: z.string().meta({ title: 'Name' }),
  space: z.string().regex(/^s\d$/).meta({ title: 'Space', picker: 'spaces' }),
})
const cloneFields = z.object({
  container: z.string().regex(/^x\d$/).meta({ title: 'Container', picker: 'containers' }),
  name: z.string().meta({ title: 'Name' }),
  space: z.string().regex(/^s\d$/).meta({ title: 'Space', picker: 'spaces' }),
})
const syncFields = z.object({ app: z.string().meta({ title: 'App', picker: 'apps' }) })
const rest = {
  ref: z.object({ id: z.string() }),
  preview: () => ({ copied: 'All of it.', notCopied: 'Nothing.' }),
  copiesData: true,
  deadlineMs: 600_000,
}
/** The words that a rule may name a place with, behind a choice whose label has none. */
const known = { x1: 'shop-db in production', x2: 'shop-db in staging', x3: `shop-db in ${UNKNOWN_PLACE}` }
const step = {
  id: 'copy',
  title: 'Copy it',
  doing: 'Copying it',
  run: async () => ({ id: '1' }),
  check: async () => [],
}

/** Copies an app, or a container, into a space, and syncs an app with one that nobody is told of. */
function connectionOf(): Connection {
  const copy = defineOperation<z.infer<typeof copyFields>, { id: string }>({
    ...rest,
    title: 'Copy an app',
    fields: copyFields,
    lock: ({ name }) => name,
    summary: ({ app, name, space }) => ({ from: `${app}`, to: `${name} in ${space}` }),
    steps: [step],
  })
  const clone = defineOperation<z.infer<typeof cloneFields>, { id: string }>({
    ...rest,
    title: 'Clone a container',
    fields: cloneFields,
    lock: ({ name }) => name,
    summary: (named) => ({ from: named['container.from'] ?? 'a container', to: `${named.name} in ${named.space}` }),
    steps: [step],
  })
  const sync = defineOperation<z.infer<typeof syncFields>, { id: string }>({
    ...rest,
    title: 'Sync an app',
    fields: syncFields,
    lock: ({ app }) => app,
    summary: ({ app }) => ({ from: 'what it was copied from', to: `${app}` }),
    steps: [step],
  })
  const provider = defineProvider({
    ...dummyConnection(context.world).provider,
    pickers: {
      apps: async () => {
        if (!isListed) throw new Error('There is no list.')
        return apps
      },
      containers: async () => containers,
      spaces: async () => spaces,
    },
    operations: { copy, clone, sync },
  })
  return { ...dummyConnection(context.world), provider }
}

beforeEach(async () => {
  context = await testContext()
  isListed = true
  apps = [
    { value: 'a1', label: 'shop-db in production' },
    { value: 'a2', label: 'shop-db in staging' },
  ]
  containers = Object.entries(known).map(([value, from]) => ({ value, label: `shop-db-${value}`, from }))
  containers.push({ value: 'x4', label: 'shop-db in staging' })
  spaces = [
    { value: 's1', label: 'production' },
    { value: 's2', label: 'staging' },
  ]
  access = { owner: '#platform', rules: [] }
  services = testServices(context, { connections: new Map([['dummy-one', connectionOf()]]), access })
  app = testBoltApp()
  registerFormSubmit(app, services)
  registerJobButtons(app, services, actButtons)
})
afterEach(() => context.db.destroy())

const picked = (value: string, text = 'a label that a client made up') => ({
  a: { type: 'external_select', selected_option: { value, text: { type: 'plain_text', text } } },
})

async function submit(callback_id: string, private_metadata: string, values: object = {}): Promise<string> {
  const view = {
    id: 'V1',
    root_view_id: 'V1',
    type: 'modal',
    callback_id,
    private_metadata,
    hash: 'h',
    state: { values },
  }
  const body = { type: 'view_submission', team: { id: 'T1' }, user: { id: ann, team_id: 'T1' }, view }
  let answer: unknown
  await app.processEvent({
    body,
    ack: async (given: unknown) => {
      answer = given
    },
  })
  return JSON.stringify(answer)
}

/** Sends page 2; answers with what is shown and with the key of the last page. */
async function fillIn(from: string, to: string, name = 'x', operation = 'copy') {
  const opening = await saveDraft(context.db, 'opening', ann, { askedIn: 'C1' }, context.now())
  const memory = { connection: 'dummy-one', operation, values: {}, labels: {}, remarks: {}, typed: {}, channel: 'C1' }
  const answer = await submit(callbacks.form, JSON.stringify({ ...memory, opening }), {
    [operation === 'clone' ? 'container' : 'app']: picked(from),
    name: { a: { type: 'plain_text_input', value: name } },
    space: picked(to),
    _channel: { a: { selected_option: { value: 'here', text: { text: 'Here' } } } },
  })
  return { answer, draft: JSON.parse(answer).view?.private_metadata ?? '' }
}
/** What a list offers. */
function labels(operationId: string, key: string): string[] {
  const connection = connectionOf()
  const operation = connection.provider.operations[operationId]
  const field = operation && fieldsOf(operation).find((one) => one.key === key)
  if (!operation || !field) throw new Error('There is no such field.')
  const options = { app: apps, container: containers, space: spaces }[key] ?? []
  return allowedOptions(services, anybody, { connection, operation, operationId }, field, options).map(
    (one) => one.label,
  )
}
const jobs = () => context.db.selectFrom('jobs').select(['source', 'target']).execute()

describe('nobody copies production', () => {
  beforeEach(() => {
    access.rules = [rule({ may: [], from: ['*production*'] }), rule({})]
  })

  it('into another place, whatever label comes back with the choice', async () => {
    const { answer } = await fillIn('a1', 's2')
    const names = 'from \\"shop-db in production\\" to \\"x in staging\\"'
    expect(answer).toContain(`You can't run copy on dummy-one ${names}. Ask #platform`)
    const { draft } = await fillIn('a2', 's1')
    expect(await submit(callbacks.preview, draft)).toBe('{"response_action":"clear"}')
    expect(await jobs()).toEqual([{ source: 'shop-db in staging', target: 'x in production' }])
  })

  it('by an operation that does not name its source, unless a rule says so', async () => {
    expect((await fillIn('a2', 's2', 'x', 'sync')).answer).toContain("You can't run sync on dummy-one")
    access.rules = [rule({ may: ['sync'], target: ['*staging'] }), ...access.rules]
    expect((await fillIn('a2', 's2', 'x', 'sync')).answer).toContain('"response_action":"push"')
    expect((await fillIn('a1', 's2', 'x', 'sync')).answer).toContain("You can't run sync on dummy-one")
  })

  it('and its name must be readable for that', async () => {
    isListed = false
    expect((await fillIn('a2', 's2')).answer).toContain('Access depends on its name')
  })

  it('and no list offers it', () => {
    expect(labels('copy', 'app')).toEqual(['shop-db in staging'])
    expect(labels('copy', 'space')).toEqual(['production', 'staging'])
    expect(labels('sync', 'app')).toEqual([])
    access.rules = [rule({ from: ['* in staging'], target: ['* in staging'] })]
    expect(labels('copy', 'app')).toEqual(['shop-db in staging'])
    expect(labels('copy', 'space')).toEqual(['staging'])
    access.rules = [rule({ from: ['* in nowhere'] })]
    expect(labels('copy', 'app')).toEqual([])
  })
})

describe('a list that depends on another choice', () => {
  it('is read only for a choice that its reader may make', async () => {
    access.rules = [rule({ may: [], from: ['*production*'] }), rule({})]
    const target = findTarget(services, 'dummy-one', 'copy')
    const [child] = fieldsOf(target.operation).map((field) => ({ ...field, key: 'part', dependsOn: ['app'] }))
    const isAllowed = async (app: string) =>
      child && (await isAllowedParent(services, anybody, target, child, { values: { app } }))
    expect(await Promise.all(['a1', 'a2', 'a9'].map(isAllowed))).toEqual([false, true, false])
    access.rules = [rule({})]
    expect(await isAllowed('a1')).toBe(true)
  })
})

describe('a source whose label does not say where it is', () => {
  const offered = () => [labels('clone', 'container'), labels('clone', 'space')]

  it('is offered by the name that its list gives it for rules, and not where that has no place', () => {
    access.rules = [rule({ may: [], from: ['*production*'] }), rule({})]
    expect(offered()).toEqual([['shop-db-x2'], ['production', 'staging']])
    access.rules = [rule({ from: ['* in staging'], target: ['* in staging'] })]
    expect(offered()).toEqual([['shop-db-x2'], ['staging']])
    access.rules = [rule({ from: ['shop-db-x*', `*${UNKNOWN_PLACE}`] })]
    expect(offered()).toEqual([[], ['production', 'staging']])
    access.rules = [rule({})]
    expect(offered()).toEqual([containers.map(({ label }) => label), ['production', 'staging']])
  })

  it('is copied under that name only, which is read again when the form is sent and at Start', async () => {
    access.rules = [rule({ may: [], from: ['*production*'] }), rule({})]
    const asked = async (from: string) => (await fillIn(from, 's2', 'x', 'clone')).answer
    expect(await asked('x1')).toContain('from \\"shop-db in production\\" to \\"x in staging\\"')
    expect(await asked('x3')).toContain('from \\"shop-db in an unknown place\\" to')
    expect(await asked('x4')).toContain('from \\"a container\\" to \\"x in staging\\"')
    const { draft } = await fillIn('x2', 's2', 'x', 'clone')
    containers[1] = { value: 'x2', label: 'shop-db-x2', from: 'shop-db in production' }
    context.pass(60_001)
    expect(await submit(callbacks.preview, draft)).toContain('from \\"shop-db in production\\"')
    containers[1] = { value: 'x2', label: 'shop-db-x2', from: 'shop-store in staging' }
    context.pass(60_001)
    expect(await submit(callbacks.preview, draft)).toBe('{"response_action":"clear"}')
    expect(await jobs()).toEqual([{ source: 'shop-store in staging', target: 'x in staging' }])
  })
})

describe('an allowance for some sources', () => {
  it('covers no operation that does not name its source', async () => {
    access.rules = [rule({ from: ['*'], target: ['* in staging', 'shop-db*'] })]
    expect((await fillIn('a2', 's2', 'x', 'sync')).answer).toContain('"response_action":"push"')
    access.rules = [rule({ from: ['*copied*', '* in staging'] })]
    expect((await fillIn('a2', 's2', 'x', 'sync')).answer).toContain("You can't run sync on dummy-one")
    expect((await fillIn('a2', 's2')).answer).toContain('"response_action":"push"')
  })
})

describe('Start, more than a minute after the names were read,', () => {
  beforeEach(() => {
    access.rules = [rule({ from: ['* in staging'], target: ['* in staging'] })]
  })

  it('reads them again, and is refused where a rule no longer fits', async () => {
    const { draft } = await fillIn('a2', 's2')
    apps[1] = { value: 'a2', label: 'shop-db in production' }
    context.pass(60_001)
    expect(await submit(callbacks.preview, draft)).toContain('from \\"shop-db in production\\"')
    apps[1] = { value: 'a2', label: 'shop-db in staging' }
    spaces[1] = { value: 's2', label: 'production' }
    context.pass(60_001)
    expect(await submit(callbacks.preview, draft)).toContain('to \\"x in production\\"')
    expect(await jobs()).toEqual([])
  })

  it('tells the thread what they are called now', async () => {
    const { draft } = await fillIn('a2', 's2')
    apps[1] = { value: 'a2', label: 'shop-store in staging' }
    context.pass(60_001)
    expect(await submit(callbacks.preview, draft)).toBe('{"response_action":"clear"}')
    expect(await jobs()).toEqual([{ source: 'shop-store in staging', target: 'x in staging' }])
  })

  it('starts nothing where they are gone or cannot be read', async () => {
    const { draft } = await fillIn('a2', 's2')
    apps.pop()
    context.pass(60_001)
    expect(await submit(callbacks.preview, draft)).toContain('is no longer on the list. Go back and choose again.')
    isListed = false
    context.pass(60_001)
    expect(await submit(callbacks.preview, draft)).toContain('Access depends on its name')
    expect(await jobs()).toEqual([])
  })

  it('is not fooled by a clock that was set back', async () => {
    const { draft } = await fillIn('a2', 's2')
    apps[1] = { value: 'a2', label: 'shop-db in production' }
    context.pass(-60_001)
    expect(await submit(callbacks.preview, draft)).not.toContain('clear')
    expect(await jobs()).toEqual([])
  })
})

describe('the buttons of a job', () => {
  async function press(draft: { source: string; operation?: string }): Promise<string> {
    const job = await context.ask({ requester: 'U2', target: 'x in staging', operation: 'copy', ...draft })
    await context.db.updateTable('jobs').set({ state: 'uncertain', dueAt: null }).where('id', '=', job.id).execute()
    await context.db.updateTable('messages').set({ channel: 'C1', ts: '1.1' }).where('jobId', '=', job.id).execute()
    const action = { type: 'button', action_id: jobActions.dismiss, block_id: 'question', value: job.id }
    const place = { container: { type: 'message' }, channel: { id: 'C1' }, team: { id: 'T1' }, user: { id: ann } }
    const body = { type: 'block_actions', actions: [action], response_url: 'http://slack.example/response', ...place }
    await app.processEvent({ body, ack: async () => {} })
    return (await context.job(job.id)).state
  }

  it('ask what the job copies, also where nobody knows it', async () => {
    access.rules = [rule({ may: [], from: ['*production*'] }), rule({})]
    expect(await press({ source: 'shop-db in production' })).toBe('uncertain')
    expect(await press({ source: 'shop-db in staging' })).toBe('cancelled')
    expect(await press({ source: 'what it was copied from', operation: 'sync' })).toBe('uncertain')
    expect(await press({ source: `shop-db in ${UNKNOWN_PLACE}`, operation: 'clone' })).toBe('uncertain')
    access.rules = [rule({})]
    expect(await press({ source: 'what it was copied from', operation: 'sync' })).toBe('cancelled')
  })
})
