/** A request for approval from the last page to its end, through the real app: who can answer it, and what they read. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { viewProblems } from '../../../sandbox/slack/checks.js'
import { type ApprovalRule, groupsOf, type Rule } from '../../../src/access/rules.js'
import { registerCommands } from '../../../src/commands/index.js'
import type { Services } from '../../../src/commands/services.js'
import { describeJob } from '../../../src/connections.js'
import { type Connection, defineOperation } from '../../../src/providers/provider.js'
import { People } from '../../../src/slack/api/people.js'
import { callbacks } from '../../../src/slack/form/view.js'
import type { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { readApprovals } from '../../../src/store/approvals.js'
import { readAudit } from '../../../src/store/audit.js'
import { readEvents } from '../../../src/store/events.js'
import { testBoltApp, testPeople, testServices } from '../../helpers/bolt-app.js'
import { type TestContext, testContext } from '../../helpers/context.js'

const hour = 3_600_000
const [ann, ben, cat, gus, dora, eve] = ['U1ANN000', 'U2BEN000', 'U3CAT000', 'U4GUS000', 'U5DORA00', 'U6EVE000']
const ops = 'S1OPS0000'

let context: TestContext
let app: BoltApp
let rules: Rule[]
let approval: ApprovalRule
/** What Slack says of people, who is in the group, and whether it answers. */
let profiles: Record<string, object>
let members: string[]
let isSlackAway: boolean
/** Monotonic milliseconds: Slack is asked again after five minutes. */
let elapsed: number
/** What single people read, in order. */
let answers: string[]
let woken: number
/** What the provider warns of on the last page. */
let warnings: string[]

beforeEach(async () => {
  context = await testContext()
  approval = { by: [ben, cat, ops], count: 2, expiresMs: 4 * hour }
  rules = [{ who: ['members'], may: ['clone'], on: ['*'], target: ['*'], approval }]
  profiles = { [gus]: { is_restricted: true }, [dora]: { deleted: true } }
  members = [eve]
  isSlackAway = false
  elapsed = 0
  answers = []
  woken = 0
  warnings = []
  app = appWith()
})
afterEach(() => context.db.destroy())

/** The app as it is after a start with the present rules. */
function appWith(): BoltApp {
  const fetchOf = async (input: string | URL | Request, init?: RequestInit) => {
    if (String(input).includes('/response'))
      answers.push(z.object({ text: z.string() }).parse(JSON.parse(String(init?.body))).text)
    return Response.json({ ok: true })
  }
  const people = new People({
    slack: {
      users: {
        info: async ({ user }) => {
          if (isSlackAway) throw new Error('Slack is away.')
          return { user: { id: user, team_id: 'T1', ...profiles[user] } }
        },
      },
      usergroups: { users: { list: async () => ({ users: members }) } },
    },
    team: async () => 'T1',
    groups: groupsOf(rules),
    channels: { list: async () => ({ channels: [{ id: 'C1' }] }), scopes: () => ['channels:read'], mayBeShared: false },
    elapsed: () => elapsed,
    log: context.log,
  })
  const started = testBoltApp(fetchOf)
  registerCommands(started, {
    ...testServices(context),
    people,
    connections: connectionsOf(),
    access: { owner: '#platform', rules },
    elapsed: () => elapsed,
    wake: () => void woken++,
  } satisfies Services)
  return started
}

function connectionsOf(): Map<string, Connection> {
  const [dummy] = context.connections.values()
  const clone = dummy?.provider.operations.clone
  if (!dummy || !clone) throw new Error('The dummy lost its operation.')
  const operation = defineOperation({
    ...clone,
    preview: () => ({
      copied: 'Everything, with data and secrets.',
      notCopied: 'Addresses.',
      warning: 'It costs twice.',
    }),
    validate: async () => ({ warnings }),
  })
  return new Map([[dummy.name, { ...dummy, provider: { ...dummy.provider, operations: { clone: operation } } }]])
}

interface Page {
  response_action: string
  errors?: Record<string, string>
  view?: { title: { text: string }; private_metadata: string; blocks: { text?: { text: string } }[] }
}

/** Sends page 2, or page 3 by the key of its answers. */
async function submit(user: string, draft?: string, name = 'copy', place = 'C1'): Promise<Page> {
  const state = {
    values: {
      name: { a: { type: 'plain_text_input', value: name } },
      deploy: { a: { type: 'checkboxes', selected_options: [] } },
      _channel: { a: { type: 'conversations_select', selected_conversation: place } },
    },
  }
  const form = { connection: 'dummy-one', operation: 'clone', values: {}, labels: {}, remarks: {}, typed: {} }
  const private_metadata = draft ?? JSON.stringify({ ...form, channel: 'C1', opening: '' })
  const callback_id = draft === undefined ? callbacks.form : callbacks.preview
  const view = { id: 'V1', root_view_id: `V-${name}`, type: 'modal', callback_id, private_metadata, hash: 'h', state }
  const body = { type: 'view_submission', team: { id: 'T1' }, user: { id: user, team_id: 'T1' }, view }
  let answer: Page | undefined
  await app.processEvent({
    body,
    ack: async (given: unknown) => {
      answer = given as Page
    },
  })
  if (!answer) throw new Error('The page was not answered.')
  if (answer.view) expect(viewProblems(answer.view)).toEqual([])
  return answer
}

const textOf = ({ view }: Page) => view?.blocks.map(({ text }) => text?.text ?? '').join('\n') ?? ''

/** Ann asks for a clone by the form. */
async function ask(user = ann, name = 'copy'): Promise<string> {
  const page = await submit(user, undefined, name)
  expect(page.response_action).toBe('push')
  expect(await submit(user, page.view?.private_metadata, name)).toEqual({ response_action: 'clear' })
  const [job] = await context.db.selectFrom('jobs').select('id').where('target', '=', name).execute()
  return job?.id ?? ''
}

async function press(word: string, user: string, value: string, team = 'T1'): Promise<string | undefined> {
  const before = answers.length
  const action = { type: 'button', action_id: `job:${word}`, block_id: 'approval', value }
  const place = {
    container: { type: 'message' },
    channel: { id: 'C9' },
    team: { id: team },
    user: { id: user, team_id: team },
  }
  const body = {
    type: 'block_actions',
    actions: [action],
    trigger_id: '1',
    response_url: 'http://slack.example/response',
    ...place,
  }
  await app.processEvent({ body, ack: async () => {} })
  return answers.slice(before)[0]
}

let commands = 0
async function type(user: string, text: string): Promise<string | undefined> {
  const before = answers.length
  commands += 1
  const who = { user_id: user, team_id: 'T1', channel_id: 'C1', trigger_id: `${commands}` }
  const body = { command: '/clone-app', text, response_url: 'http://slack.example/response', ...who }
  await app.processEvent({ body, ack: async () => {} })
  return answers.slice(before)[0]
}

const stateOf = async (id: string) => (await context.job(id)).state

describe('the last page', () => {
  it('says who must approve before anything is sent, and the job waits for them with what the page said', async () => {
    warnings = ['The quota is nearly full.']
    const page = await submit(ann)
    expect(textOf(page)).toContain(
      '*Approval*\n2 people must approve this within 4 h: <@U2BEN000>, <@U3CAT000> or <!subteam^S1OPS0000>. Nothing is sent until then.',
    )
    await submit(ann, page.view?.private_metadata)
    const [row] = await context.db.selectFrom('jobs').select('id').execute()
    expect(await context.job(row?.id ?? '')).toMatchObject({
      state: 'awaiting_approval',
      dueAt: context.now() + 4 * hour,
      approval: {
        by: [ben, cat, ops],
        count: 2,
        expiresAt: context.now() + 4 * hour,
        copied: 'Everything, with data and secrets.',
        notCopied: 'Addresses.',
        warning: 'The quota is nearly full. It costs twice.',
      },
    })
    await context.runUntilIdle()
    expect(context.world.writes).toBe(0)
  })

  it.each<{ by: string[]; count: number; expiresMs: number; sentence: string }>([
    { by: [ben], count: 1, expiresMs: 24 * hour, sentence: '<@U2BEN000> must approve this within 1 day.' },
    {
      by: [ben, cat],
      count: 1,
      expiresMs: hour / 2,
      sentence: '<@U2BEN000> or <@U3CAT000> must approve this within 30 min.',
    },
    { by: ['members', ben], count: 1, expiresMs: hour, sentence: 'Another full member must approve this within 1 h.' },
    {
      by: ['members'],
      count: 3,
      expiresMs: 168 * hour,
      sentence: '3 other full members must approve this within 7 days.',
    },
  ])('names $count of $by', async ({ sentence, ...wanted }) => {
    Object.assign(approval, wanted)
    expect(textOf(await submit(ann))).toContain(sentence)
  })

  it('says nothing of it where the rule asks for no approval, and the job starts', async () => {
    rules = [{ who: ['members'], may: ['clone'], on: ['*'], target: ['*'] }]
    app = appWith()
    expect(textOf(await submit(ann))).not.toContain('Approval')
    expect(await stateOf(await ask(ann, 'other'))).toBe('queued')
  })

  it('is not reached by a request that would go to direct messages, which no approver reads', async () => {
    const others =
      'Others must approve this, so post updates to a channel that they read. To choose one, type /clone-app there.'
    for (const place of [ann, 'D1'])
      expect(await submit(ann, undefined, 'copy', place)).toEqual({
        response_action: 'errors',
        errors: { _channel: others },
      })
    expect(await submit(ann, undefined, 'copy', 'C1')).toMatchObject({ response_action: 'push' })
  })

  it('starts nothing in direct messages if a rule asks for an approval only since page 2', async () => {
    rules = [{ who: ['members'], may: ['clone'], on: ['*'], target: ['*'] }]
    app = appWith()
    const page = await submit(ann, undefined, 'copy', ann)
    expect(page.response_action).toBe('push')
    rules = [{ who: ['members'], may: ['clone'], on: ['*'], target: ['*'], approval }]
    app = appWith()
    const answer = await submit(ann, page.view?.private_metadata)
    expect(textOf(answer)).toContain('Others must approve this, so post updates to a channel that they read.')
    expect(await context.db.selectFrom('jobs').selectAll().execute()).toEqual([])
  })

  it('is refused when only the requester could approve', async () => {
    Object.assign(approval, { by: [ann, ben], count: 2 })
    const page = await submit(ann)
    expect(page.view?.title.text).toBe("That didn't work")
    expect(textOf(page)).toContain(
      '2 other people must approve this, but the rules name too few people besides you. Ask #platform.',
    )
    expect(textOf(await submit(cat))).toContain('2 people must approve this')
  })

  it('asks for the approval if only the name without its spaces needs it, and refuses a name that needs two', async () => {
    const [open] = rules
    if (!open) throw new Error('There is no rule.')
    // The dummy takes no spaces in a name, so its target gets some here.
    const { approval: _, ...free } = open
    rules = [{ ...free, target: ['a b'] }, open]
    const spaced = connectionsOf()
    for (const connection of spaced.values()) {
      const { clone } = connection.provider.operations
      if (clone) Object.assign(clone, { fields: clone.fields.extend({ name: z.string().meta({ title: 'Name' }) }) })
    }
    const started = testBoltApp()
    registerCommands(started, {
      ...testServices(context),
      people: testPeople(context, ['C1']),
      connections: spaced,
      access: { owner: '#platform', rules },
    })
    app = started
    expect(textOf(await submit(ann, undefined, 'a b'))).toContain('2 people must approve this within 4 h')
    rules.splice(0, 1, { ...open, target: ['a b'], approval: { ...approval, by: [gus], count: 1 } })
    expect(textOf(await submit(ann, undefined, 'a b'))).toContain('Two rules ask different people to approve this')
    rules.splice(0, 1, { ...open, target: ['a b'], approval: { ...approval } })
    expect(textOf(await submit(ann, undefined, 'a b'))).toContain('2 people must approve this within 4 h')
  })

  it('of a second person learns who waits for an approval of the same target', async () => {
    await ask()
    const page = await submit(ben)
    expect(textOf(page)).toMatch(
      /<@U1ANN000> was first: job `\w+` has been waiting for approval to change \*copy\* for/,
    )
  })
})

describe('a request', () => {
  it('starts the job with the second approval; clicks that count are answered in the thread alone', async () => {
    const id = await ask()
    woken = 0
    expect(await press('approve', ben, id)).toBeUndefined()
    expect(await stateOf(id)).toBe('awaiting_approval')
    const approvedBy = async () =>
      (await describeJob(context.db, context.connections, await context.job(id), context.now())).approvedBy
    expect(await approvedBy()).toEqual([ben])
    expect(await press('approve', cat, id)).toBeUndefined()
    expect(await stateOf(id)).toBe('queued')
    expect(await approvedBy()).toEqual([ben, cat])
    expect(woken).toBe(2)
    await context.runUntilIdle()
    expect(context.world.writes).toBe(1)
    expect((await readEvents(context.db, id)).slice(0, 3)).toMatchObject([
      { kind: 'approval_requested' },
      { kind: 'approval_given', actor: ben },
      { kind: 'approved', actor: cat },
    ])
    const acts = (await readAudit(context.db, { job: id }, null, 20)).filter(
      ({ actor }) => actor === ben || actor === cat,
    )
    expect(acts.map(({ action, channel }) => [action, channel]).sort()).toEqual([
      ['approval_given', 'C9'],
      ['approved', 'C9'],
    ])
  })

  it('is answered by verbs as well, in any channel', async () => {
    const id = await ask()
    expect(await type(ben, `approve ${id}`)).toBe(`You approved job \`${id}\`. 1 more person must approve it.`)
    expect(await type(eve, `APPROVE \`${id.toUpperCase()}\``)).toBe(`You approved job \`${id}\`. It starts now.`)
    const other = await ask(ann, 'other')
    expect(await type(cat, `deny ${other}`)).toBe(`You denied job \`${other}\`. Nothing is sent.`)
    expect(await stateOf(other)).toBe('denied')
  })

  it('takes a second click for what it is', async () => {
    const id = await ask()
    await press('approve', ben, id)
    expect(await press('approve', ben, id)).toMatch(
      /^You already approved job `\w+`, <!date.*>\. 1 more person must approve it\.$/,
    )
    expect(await readApprovals(context.db, id)).toHaveLength(1)
    await press('approve', cat, id)
    expect(await press('approve', ben, id)).toMatch(/^You already approved job `\w+`, and it started <!date/)
    expect(await press('deny', eve, id)).toMatch(/^Too late: job `\w+` was approved, and it started <!date/)
    expect(await stateOf(id)).toBe('queued')
  })

  it('that was denied says by whom', async () => {
    const id = await ask()
    await press('approve', ben, id)
    expect(await press('deny', cat, id)).toBeUndefined()
    expect(await press('approve', ben, id)).toMatch(/^<@U3CAT000> denied job `\w+`, <!date.*>\.$/)
    expect(await press('deny', cat, id)).toMatch(/^You already denied job `\w+`, <!date.*>\.$/)
    await context.runUntilIdle()
    expect(context.world.writes).toBe(0)
  })

  it('whose time is over says so, before and after the job has ended', async () => {
    const id = await ask()
    context.pass(4 * hour)
    elapsed += 1
    expect(await press('approve', ben, id)).toMatch(/^Too late: job `\w+` had to be approved by <!date/)
    await context.runUntilIdle()
    expect(await stateOf(id)).toBe('expired')
    expect(await press('approve', ben, id)).toMatch(
      /^Too late: nobody approved job `\w+` in time, and the request expired/,
    )
    expect((await readEvents(context.db, id)).at(-1)).toMatchObject({ kind: 'expired', actor: null })
  })

  it('that was taken back says by whom', async () => {
    const id = await ask()
    await type(ann, `cancel ${id}`)
    expect(await press('approve', ben, id)).toMatch(/^<@U1ANN000> took job `\w+` back, <!date/)
    expect(await stateOf(id)).toBe('cancelled')
  })

  it('counts ten clicks of one person at once as one, and starts once', async () => {
    const id = await ask()
    const clicks = [ben, cat].flatMap((user) => Array.from({ length: 10 }, () => press('approve', user, id)))
    await Promise.all(clicks)
    expect(await readApprovals(context.db, id)).toHaveLength(2)
    expect(await context.kinds(id)).toEqual(['approval_requested', 'approval_given', 'approved'])
  })
})

describe('an answer', () => {
  it('is never one’s own, under whichever id', async () => {
    Object.assign(approval, { by: ['members'], count: 1 })
    const id = await ask()
    profiles.W1ANN000 = { id: 'W1ANN000', enterprise_user: { id: ann, teams: ['T1'] } }
    for (const self of [ann, 'W1ANN000']) {
      expect(await press('approve', self, id)).toBe(
        `You asked for job \`${id}\` yourself, so someone else must approve it: any other full member.`,
      )
    }
    expect(await press('deny', ann, id)).toBe(
      `You asked for job \`${id}\` yourself. To take it back, type \`/clone-app cancel ${id}\`.`,
    )
    expect(await stateOf(id)).toBe('awaiting_approval')
    expect(await press('approve', ben, id)).toBeUndefined()
    expect(await stateOf(id)).toBe('queued')
  })

  it('of one person under two ids counts once', async () => {
    approval.by = ['members']
    profiles[ben] = { id: ben, enterprise_user: { id: 'W2BEN000', teams: ['T1'] } }
    profiles.W2BEN000 = profiles[ben]
    const id = await ask()
    await press('approve', ben, id)
    expect(await press('approve', 'W2BEN000', id)).toContain('You already approved job')
    expect(await stateOf(id)).toBe('awaiting_approval')
  })

  it.each([
    ['somebody whom the request does not name, though the rules let them do everything', 'U9MAX000', 'T1'],
    ['a guest, also where one is named', gus, 'T1'],
    ['somebody deactivated, also where they are named', dora, 'T1'],
    ['somebody of another workspace, also where they are named', ben, 'T2'],
  ])('is refused to %s', async (_who, user, team) => {
    rules.push({ who: ['U9MAX000', 'C9'], may: ['*'], on: ['*'], target: ['*'] })
    approval.by = [ben, cat, gus, dora]
    const id = await ask()
    for (const word of ['approve', 'deny']) {
      expect(await press(word, user, id, team)).toBe(`You can't ${word} job ${id}. Ask #platform for access.`)
    }
    expect(await stateOf(id)).toBe('awaiting_approval')
    expect(await readApprovals(context.db, id)).toEqual([])
  })

  it('needs no other right than to be named', async () => {
    rules[0] = { who: [ann], may: ['clone'], on: ['*'], target: ['*'], approval }
    app = appWith()
    const id = await ask()
    await press('approve', ben, id)
    await press('approve', eve, id)
    expect(await stateOf(id)).toBe('queued')
  })

  it('needs the rule for it where the approval names nobody, as it is now', async () => {
    rules = [
      { who: [cat], may: [], on: ['*'], target: ['*'] },
      { who: [ben, ops], may: ['approve'], on: ['*'], target: ['copy'] },
      { who: [ann], may: ['clone'], on: ['*'], target: ['*'], approval: { count: 1, expiresMs: 4 * hour } },
    ]
    members = [eve, cat]
    app = appWith()
    const page = await submit(ann)
    expect(textOf(page)).toContain('<@U2BEN000> or <!subteam^S1OPS0000> must approve this within 4 h.')
    const id = await ask()
    expect((await context.job(id)).approval).toMatchObject({ by: [ben, ops], needsRule: true })
    for (const other of [cat, dora, gus])
      expect(await press('approve', other, id)).toBe(`You can't approve job ${id}. Ask #platform for access.`)
    rules[1] = { who: [ops], may: ['approve'], on: ['*'], target: ['*'] }
    expect(await press('approve', ben, id)).toBe(`You can't approve job ${id}. Ask #platform for access.`)
    expect(await type(ben, 'approve')).toBe('Nothing is waiting for your approval.')
    expect(await type(eve, 'approve')).toContain(id)
    expect(await press('approve', eve, id)).toBeUndefined()
    expect(await stateOf(id)).toBe('queued')
    expect(textOf(await submit(ann, undefined, 'other'))).toContain('<!subteam^S1OPS0000> must approve this')
    rules.splice(1, 1)
    Object.assign(rules[1] ?? {}, { may: ['clone', 'approve'] })
    expect(textOf(await submit(ann, undefined, 'third'))).toContain('the rules name too few people besides you')
  })

  it('of a group goes by who is in it now', async () => {
    const id = await ask()
    await press('approve', ben, id)
    members = []
    elapsed += 5 * 60_000
    expect(await press('approve', eve, id)).toBe(`You can't approve job ${id}. Ask #platform for access.`)
    members = ['U8NEW000']
    elapsed += 5 * 60_000
    expect(await press('approve', 'U8NEW000', id)).toBeUndefined()
    expect(await stateOf(id)).toBe('queued')
  })

  it('denies the job if the rules let the person who asked do it no more', async () => {
    const id = await ask()
    await press('approve', ben, id)
    rules.unshift({ who: [ann], may: [], on: ['*'], target: ['*'] })
    expect(await press('approve', cat, id)).toBe(
      `Job \`${id}\` is denied: the rules don't let <@U1ANN000> run this any more.`,
    )
    const reason = "The person who asked can't run this any more."
    expect(await context.job(id)).toMatchObject({ state: 'denied', detail: reason })
    expect((await readEvents(context.db, id)).at(-1)).toMatchObject({ kind: 'denied', actor: null, detail: reason })
    expect(await press('approve', ben, id)).toMatch(/^Too late: job `\w+` was denied <!date.*>\. The person who asked/)
  })

  it('denies the job if the person who asked was deactivated since', async () => {
    const id = await ask()
    await press('approve', ben, id)
    profiles[ann] = { deleted: true }
    elapsed += 5 * 60_000
    await press('approve', cat, id)
    expect(await stateOf(id)).toBe('denied')
  })

  it('does nothing while Slack can’t say who is who', async () => {
    const id = await ask()
    elapsed += 5 * 60_000
    isSlackAway = true
    expect(await press('approve', ben, id)).toBe(
      "I couldn't ask Slack who you are, so I did nothing. Try again in a moment.",
    )
    isSlackAway = false
    await press('approve', ben, id)
    expect(await stateOf(id)).toBe('awaiting_approval')
    expect(await readApprovals(context.db, id)).toHaveLength(1)
  })

  it('to no job, or to one that asks for nothing, says so', async () => {
    const id = await ask()
    expect(await type(ben, `approve ${id.slice(0, 4)}`)).toBe(
      `There's no job "${id.slice(0, 4)}". Did you mean:\n\`/clone-app approve ${id}\``,
    )
    expect(await type('U9MAX000', `approve ${id.slice(0, 4)}`)).toBe(
      `There's no job "${id.slice(0, 4)}". Waiting for your approval:\n\`/clone-app approve\``,
    )
    const plain = await context.ask()
    expect(await press('approve', ben, plain.id)).toBe(`Job ${plain.id} doesn't need approval.`)
  })
})

describe('what is typed without a job', () => {
  it('lists what waits for this person, and for nobody else', async () => {
    expect(await type(ben, 'approve')).toBe('Nothing is waiting for your approval.')
    const id = await ask()
    const line = new RegExp(
      `^Waiting for your approval:\n• \`${id}\`: source → copy on dummy-one, requested by <@U1ANN000>, until <!date.*>\nTo approve the first, type \`/clone-app approve ${id}\`\\.$`,
    )
    for (const user of [ben, eve]) expect(await type(user, 'approve')).toMatch(line)
    expect(await type(ben, 'deny')).toContain(`To deny the first, type \`/clone-app deny ${id}\`.`)
    for (const user of [ann, gus, 'U9MAX000'])
      expect(await type(user, 'approve')).toBe('Nothing is waiting for your approval.')
    await press('approve', ben, id)
    expect(await type(ben, 'approve')).toBe('Nothing is waiting for your approval.')
    expect(await type(cat, 'approve')).toMatch(line)
  })
})
