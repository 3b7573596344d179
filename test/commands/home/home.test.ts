import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Rule } from '../../../src/access/rules.js'
import { identifyAsker } from '../../../src/commands/authorize.js'
import { refreshHome } from '../../../src/commands/index.js'
import { DatabaseError } from '../../../src/errors.js'
import { refreshHomes } from '../../../src/jobs/homes.js'
import { InMemoryRateLimiter } from '../../../src/lib/rate-limiter.js'
import { createShowHome } from '../../../src/slack/api/home.js'
import { createRateLimits } from '../../../src/slack/api/rate-limits.js'
import { readHome } from '../../../src/store/homes.js'

import { deletePreset, listPresets, savePreset } from '../../../src/store/presets.js'
import { createSharedRateLimiter } from '../../../src/store/rate-limits.js'
import { silentLog, type TestContext, testContext } from '../../helpers/context.js'
import { type FakeHomes, fakeHomes } from '../../helpers/homes.js'
import { newPreset } from '../../helpers/preset.js'
import { elementsIn, type Typist, typistOf } from '../../helpers/typist.js'

const rule = (rest: Partial<Rule>): Rule => ({ who: ['members'], may: ['*'], on: ['*'], target: ['*'], ...rest })
const { signal } = new AbortController()

let context: TestContext
let homes: FakeHomes
let ann: Typist
let rules: Rule[]

beforeEach(async () => {
  context = await testContext()
  homes = fakeHomes()
  rules = [rule({})]
  ann = typistOf(context, {
    showHome: createShowHome(homes, createRateLimits(new InMemoryRateLimiter(context.elapsed), silentLog)),
    access: {
      owner: '#platform',
      get rules() {
        return rules
      },
    },
  })
})
afterEach(async () => await context.db.destroy())

const open = (user = 'U1', tab = 'home') =>
  ann.event({ type: 'app_home_opened', user, channel: `D${user}`, tab, event_ts: '1.1' })

/** The worker's share: whatever is due now. */
const refresh = () =>
  refreshHomes(
    context,
    async (person) => {
      const asker = await identifyAsker(ann.services, { user: { id: person }, team: { id: 'T1' } })
      return await refreshHome(ann.services, asker)
    },
    signal,
  )

const pressed = (action: Record<string, unknown>) =>
  ann.press(action, {
    channel: undefined,
    response_url: undefined,
    container: { type: 'view' },
    view: { id: 'V9', type: 'home', private_metadata: '', state: { values: {} } },
  })

describe('the Home tab', () => {
  it('shows how to begin, and then what runs, what is done and what needs this person', async () => {
    await open()
    expect(homes.shown('U1')).toMatch(/Clone an app.*Your jobs will show up here.*What you can do here/)
    const job = await context.ask({ target: 'shop-web in staging' })
    const other = await context.ask({ requester: 'U2', target: 'billing' })
    await context.db.updateTable('jobs').set({ state: 'uncertain' }).where('id', '=', job.id).execute()
    await open()
    expect(homes.shown('U1')).toMatch(/Needs you.*shop-web: outcome unknown/)
    expect(homes.shown('U1')).not.toContain(other.id)
    await context.db.updateTable('jobs').set({ state: 'failed', endedAt: 1 }).where('id', '=', job.id).execute()
    await open()
    expect(homes.shown('U1')).toMatch(/Recent.*:x: \*shop-web failed\*/)
    expect(homes.shown('U1')).not.toContain('Needs you')
  })

  it('shows what waits for an approval to those whom it names, until they answered, and never one’s own', async () => {
    const rest = { count: 2, expiresAt: context.now() + 3_600_000, copied: '', notCopied: '', warning: null }
    const { id } = await context.ask({ requester: 'U2', approval: { by: ['U1', 'U2', 'U4'], ...rest } })
    const all = await context.ask({ requester: 'U1', approval: { by: ['members'], ...rest } })
    // Being named is enough: no other rule is needed.
    rules = [rule({ who: ['U1', 'U2'], may: ['clone'] })]
    for (const user of ['U1', 'U2', 'U3', 'U4']) await open(user)
    const needing = (job: string) =>
      ['U1', 'U2', 'U3', 'U4'].filter((user) =>
        homes.shown(user).split('Needs you')[1]?.split('"Running"')[0]?.includes(job),
      )
    expect(needing(id)).toEqual(['U1', 'U4'])
    expect(needing(all.id)).toEqual(['U2', 'U3', 'U4'])
    expect(homes.shown('U3')).not.toContain(id)
    await ann.type(`approve ${id}`)
    await open()
    expect(homes.shown('U1')).not.toContain(id)
  })

  it('says so while the database is away, also where that counts the calls to Slack', async () => {
    const away = new DatabaseError("The database didn't answer.", { mayHaveHappened: false })
    const transformQuery = () => {
      throw away
    }
    const db = context.db.withPlugin({ transformQuery, transformResult: async ({ result }) => result })
    const rateLimiter = createSharedRateLimiter(db, context.now)
    const bo = typistOf(context, { db, showHome: createShowHome(homes, createRateLimits(rateLimiter, silentLog)) })
    await bo.event({ type: 'app_home_opened', user: 'U1', channel: 'D1', tab: 'home', event_ts: '1.1' })
    expect(bo.calls).toMatchObject([{ method: 'views.publish', args: { user_id: 'U1' } }])
    expect(JSON.stringify(bo.calls)).toContain("I can't read my database right now")
  })

  it('shows what expires soon', async () => {
    const mine = await context.ask()
    const expiresAt = context.now() + 3_600_000
    await context.db
      .updateTable('jobs')
      .set({ state: 'succeeded', endedAt: 1, expiresAt })
      .where('id', '=', mine.id)
      .execute()
    await open()
    expect(homes.shown('U1')).toMatch(/Expiring soon.*copy-1 is running.*, then deleted/)
    expect(homes.shown('U1')).not.toContain('Recent')
  })

  it('opened on its messages stays as it is', async () => {
    await open('U1', 'messages')
    expect(homes.count).toBe(0)
  })

  it('says whom to ask, and nothing of jobs, to somebody who can do nothing here', async () => {
    rules = [rule({ who: ['U2'] })]
    await open()
    expect(homes.shown('U1')).toContain("You can't use Dolly yet. Ask #platform for access.")
    expect(homes.view('U1')?.blocks).toHaveLength(2)
  })

  it('is brought up to date while it is open, at most every five seconds, and not after half an hour', async () => {
    await open()
    await context.ask()
    await refresh()
    expect(homes.count).toBe(1)
    context.pass(5_000)
    await refresh()
    expect(homes.count).toBe(2)
    expect(homes.shown('U1')).toMatch(/Running.*copy-1/)
    context.pass(5_000)
    await refresh()
    expect(homes.count).toBe(2)
    context.pass(30 * 60_000)
    await context.ask()
    context.pass(5_000)
    await refresh()
    expect(homes.count).toBe(2)
  })

  it('shows a change that came in while it was being published', async () => {
    await open()
    context.pass(5_000)
    await context.ask()
    homes.before = async () => await context.ask()
    await refresh()
    expect(homes.shown('U1')).not.toContain('copy-2')
    context.pass(5_000)
    await refresh()
    expect(homes.shown('U1')).toContain('copy-2')
  })

  it('is read again when another process was faster, so an older view never wins', async () => {
    await open()
    context.pass(5_000)
    await context.ask()
    homes.before = async () => {
      context.pass(1)
      await context.ask()
      await open()
    }
    await refresh()
    expect(homes.count).toBe(3)
    expect(homes.shown('U1')).toMatch(/copy-2.*copy-1/)
    expect((await readHome(context.db, 'U1'))?.hash).toBe('hash 3')
  })

  it('that was published without being noted is published all the same', async () => {
    await open()
    await context.db.updateTable('homes').set({ hash: 'of another view' }).execute()
    await open()
    expect(homes.count).toBe(2)
  })

  it.each(['service_unavailable', 'ratelimited'])('is published later when Slack has no time: %s', async (error) => {
    homes.error = error
    await open()
    expect(homes.count).toBe(0)
    context.pass(60_000)
    await refresh()
    expect(homes.count).toBe(1)
  })

  it('that Slack refuses is left alone until the next change', async () => {
    homes.error = 'not_enabled'
    await open()
    expect((await readHome(context.db, 'U1'))?.dueAt).toBeNull()
    await context.ask()
    context.pass(10_000)
    await refresh()
    expect(homes.count).toBe(1)
  })

  it('has the buttons of jobs; what they answer opens on top, and the tab changes at once', async () => {
    const { id } = await context.ask()
    await open()
    const menu = elementsIn(z.array(z.record(z.string(), z.unknown())).parse(homes.view('U1')?.blocks)).find(
      ({ action_id }) => action_id === 'job:more',
    )
    const choose = (value: string) =>
      pressed({ ...menu, type: 'overflow', selected_option: { value, text: { text: '' } } })
    await choose(`cancel ${id}`)
    expect(homes.shown('U1')).toMatch(/Recent.*was cancelled/)
    expect(ann.calls).toEqual([])
    await choose(`cancel ${id}`)
    expect(ann.calls.map(({ method }) => method)).toEqual(['views.open'])
    expect(JSON.stringify(ann.calls[0]?.args)).toContain("That's not possible any more")
  })

  it('opens the form, whose thread goes to the direct messages unless something else is chosen', async () => {
    await open()
    await pressed({ action_id: 'home:clone' })
    const { method, args } = ann.calls[0] ?? {}
    expect(method).toBe('views.open')
    expect(JSON.stringify(args)).toContain('What do you want to clone?')
    const View = z.object({ callback_id: z.string(), private_metadata: z.string() })
    const view = View.parse(args?.view)
    const chosen = { choice: { choice: { selected_option: { value: 'dummy-one/clone' } } } }
    await ann.submit({ ...view, state: { values: chosen } })
    const form = JSON.stringify(ann.calls.find((call) => call.method === 'views.update')?.args)
    expect(form).toContain('"value":"mine"')
    expect(form).not.toContain('Where I typed the command')
  })

  it('has a button for each preset that the person can start, which opens its form', async () => {
    const shared = { operation: 'clone', values: { name: 'copy' }, labels: {}, source: 'shop-api', target: 'shop-copy' }
    const rest = {
      channel: 'mine',
      keepForMs: null,
      repeats: null,
      createdBy: 'U1',
      scope: 'person',
      owner: 'U1',
    } as const
    const preset = { ...shared, ...rest, name: 'nightly', connection: 'dummy-one' }
    await savePreset(context.db, preset, 'C1', context.now())
    await savePreset(context.db, { ...preset, name: 'gone', connection: 'dummy-nine' }, 'C1', context.now())
    await open()
    expect(homes.shown('U1')).toMatch(/Presets.*nightly.*shop-api → shop-copy/)
    expect(homes.shown('U1')).not.toContain('gone')
    const blocks = z.array(z.record(z.string(), z.unknown())).parse(homes.view('U1')?.blocks)
    const button = elementsIn(blocks).find(({ action_id }) => action_id === 'home:preset:0')
    await pressed({ ...button })
    expect(JSON.stringify(ann.calls[0]?.args)).toMatch(/operation_form.*"copy"/)
    await pressed({ ...button, value: 'unknown' })
    expect(JSON.stringify(ann.calls.at(-1)?.args)).toContain('That preset is gone.')
  })

  it('shows the schedules of this person, and follows when one is made, paused or deleted', async () => {
    await savePreset(context.db, newPreset(), 'C1', context.now())
    await open()
    const follow = async (command: string) => {
      await ann.type(command)
      await refresh()
      return homes.shown('U1')
    }
    expect(homes.shown('U1')).not.toContain('Schedules')
    expect(await follow('schedule nightly @daily')).toMatch(/Schedules.*nightly.*@daily.*next run/)
    const [{ id } = { id: '' }] = await context.db.selectFrom('schedules').select('id').execute()
    expect(await follow(`schedule pause ${id}`)).toMatch(/Schedules.*paused/)
    await open('U2')
    expect(homes.shown('U2')).not.toContain('Schedules')
    expect(await follow(`schedule delete ${id}`)).not.toContain('Schedules')
  })

  it('follows when a preset is saved or deleted, for all who find it', async () => {
    await open('U1')
    await open('U2')
    const change = async (work: () => Promise<unknown>) => {
      context.pass(5_000)
      await work()
      await refresh()
      return ['U1', 'U2'].map((person) => homes.shown(person).includes('nightly'))
    }
    const by = { actor: 'U1', channel: 'C1' }
    for (const whose of [{}, { scope: 'everyone', owner: '' } as const]) {
      const isShared = 'scope' in whose
      const save = () => savePreset(context.db, newPreset(whose), 'C1', context.now())
      expect(await change(save)).toEqual([true, isShared])
      const [preset] = await listPresets(context.db, { ids: ['U1'], channel: null })
      if (!preset) throw new Error('No preset was saved.')
      expect(await change(() => deletePreset(context.db, preset, by, context.now()))).toEqual([false, false])
    }
  })

  it('opens no form for somebody who can start nothing, but says so', async () => {
    await open()
    rules = [rule({ who: ['U2'] })]
    await pressed({ action_id: 'home:clone' })
    expect(JSON.stringify(ann.calls[0]?.args)).toContain("You can't use Dolly here. Ask #platform")
  })
})
