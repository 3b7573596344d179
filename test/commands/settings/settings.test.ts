import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import type { Rule } from '../../../src/access/rules.js'
import { mentionsOnFailure, readPreferences } from '../../../src/commands/settings/preferences.js'
import { deletePreset, savePreset } from '../../../src/store/presets.js'
import { readSetting } from '../../../src/store/settings.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { dummyConnection } from '../../helpers/dummy-provider.js'
import { newPreset } from '../../helpers/preset.js'
import { type Typist, typistOf } from '../../helpers/typist.js'

const rule = (rest: Partial<Rule>): Rule => ({ who: ['members'], may: ['*'], on: ['*'], target: ['*'], ...rest })
const View = z.object({ callback_id: z.string(), private_metadata: z.string(), blocks: z.array(z.unknown()) })

let context: TestContext
let ann: Typist
let rules: Rule[]
beforeEach(async () => {
  context = await testContext()
  rules = [rule({})]
  const names = ['dummy-one', 'dummy-two']
  ann = typistOf(context, {
    connections: new Map(names.map((name) => [name, dummyConnection(context.world, name)])),
    access: {
      owner: '#platform',
      get rules() {
        return rules
      },
    },
  })
})
afterEach(async () => await context.db.destroy())

/** The last page that opened. */
const page = () => View.parse(ann.calls.filter(({ method }) => method === 'views.open').at(-1)?.args.view)
const chosen = (choices: Record<string, string>) => ({
  values: Object.fromEntries(
    Object.entries(choices).map(([block, value]) => [block, { [block]: { selected_option: { value } } }]),
  ),
})

async function choose(choices: Record<string, string>, channel = 'C1', user = 'U1'): Promise<unknown> {
  await ann.type('settings', user, channel)
  return await ann.submit({ ...page(), state: chosen(choices) }, user)
}

it('a person is mentioned when a job fails, in the channel, unless they choose otherwise', async () => {
  expect(await readPreferences(context.db, 'U1', 'C1')).toEqual({
    tell: 'failure',
    place: 'here',
    connection: undefined,
  })
  expect(await choose({ tell: 'never', place: 'mine' })).toEqual({ response_action: 'clear' })
  expect(await readPreferences(context.db, 'U1', 'C1')).toMatchObject({ tell: 'never', place: 'mine' })
  expect(await mentionsOnFailure(context.db, 'U1', 'C1')).toBe(false)
  expect(await mentionsOnFailure(context.db, 'U2', 'C1')).toBe(true)
  await ann.type('settings')
  expect(JSON.stringify(page())).toMatch(/"initial_option":\{[^}]*"Never"/)
})

it('the form begins as the settings say', async () => {
  await ann.type('dummy-one clone')
  expect(JSON.stringify(page())).toContain('Mention me when it succeeds too, not only when it fails')
  expect(JSON.stringify(page())).toMatch(/"initial_option":\{[^}]*Where I typed/)
  expect(JSON.stringify(page())).not.toContain('initial_options')
  await choose({ tell: 'success', place: 'mine' })
  await ann.type('dummy-one clone')
  expect(JSON.stringify(page())).toMatch(/"initial_options":\[\{[^}]*"Mention me when it succeeds"/)
  expect(JSON.stringify(page())).toMatch(/"initial_option":\{[^}]*My direct messages/)
})

it('a channel starts with its connection, and its mentions apply to people who chose nothing', async () => {
  await choose({ connection: 'dummy-two', channel_tell: 'both' }, 'C1', 'U2')
  await ann.type('')
  expect(JSON.stringify(page())).toMatch(/"initial_option":\{[^}]*Clone a thing on dummy-two/)
  expect((await readPreferences(context.db, 'U1', 'C1')).tell).toBe('both')
  expect((await readPreferences(context.db, 'U1', 'C2')).tell).toBe('failure')
  await choose({ tell: 'never' })
  expect((await readPreferences(context.db, 'U1', 'C1')).tell).toBe('never')
})

it('who only changes the channel chooses nothing for themselves, and a choice can be taken back', async () => {
  await ann.type('settings')
  expect(JSON.stringify(page())).toMatch(/"initial_option":\{[^}]*"As the channel says, or else when it fails"/)
  await choose({ tell: '-', place: 'here', channel_tell: 'never', connection: '-' })
  expect((await readPreferences(context.db, 'U1', 'C1')).tell).toBe('never')
  await choose({ tell: 'both' })
  expect((await readPreferences(context.db, 'U1', 'C1')).tell).toBe('both')
  await choose({ tell: '-', channel_tell: 'success', connection: '-' })
  expect((await readPreferences(context.db, 'U1', 'C1')).tell).toBe('success')
  expect((await readPreferences(context.db, 'U1', 'C2')).tell).toBe('failure')
})

it('a channel’s settings can be changed only there, by people who may save presets there', async () => {
  rules = [rule({ may: ['clone'] })]
  await ann.type('settings')
  expect(JSON.stringify(page())).not.toContain('For everyone in this channel')
  await choose({ tell: 'both', connection: 'dummy-two' })
  expect(await readSetting(context.db, { scope: 'channel', id: 'C1' })).toBeUndefined()
  expect(await readSetting(context.db, { scope: 'person', id: 'U1' })).toEqual({ tell: 'both' })
  rules = [rule({ who: ['C2'], may: ['preset'] }), rule({ may: ['clone'] })]
  await choose({ connection: 'dummy-two' })
  expect(await readSetting(context.db, { scope: 'channel', id: 'C1' })).toBeUndefined()
  await choose({ connection: 'dummy-two' }, 'C2')
  expect(await readSetting(context.db, { scope: 'channel', id: 'C2' })).toEqual({ connection: 'dummy-two' })
})

it('a channel opens with its preset for people who can start it, while it exists', async () => {
  const shared = newPreset({ scope: 'channel', owner: 'C1' })
  await savePreset(context.db, newPreset({ name: 'mine' }), 'C1', 1)
  const saving = await savePreset(context.db, shared, 'C1', 1)
  if (saving.kind !== 'saved') throw new Error(saving.kind)
  await choose({ connection: '-', preset: 'mine' })
  expect(await readSetting(context.db, { scope: 'channel', id: 'C1' }), 'nobody else finds it').toEqual({})
  await choose({ connection: '-', preset: 'nightly' })
  await ann.type('', 'U2')
  expect(page()).toMatchObject({ callback_id: 'operation_form' })
  expect(JSON.stringify(page())).toContain('"initial_value":"copy"')
  await ann.type('', 'U2', 'C2')
  expect(page().callback_id).not.toBe('operation_form')
  rules = [rule({ on: ['dummy-two'] })]
  await ann.type('', 'U2')
  expect(JSON.stringify(page()), 'they can start nothing on dummy-one').not.toContain('"initial_value":"copy"')
  rules = [rule({})]
  await deletePreset(context.db, saving.preset, { actor: 'U1', channel: 'C1' }, 2)
  await ann.type('', 'U2')
  expect(page().callback_id).not.toBe('operation_form')
})

it('a change is in the audit, with who made it and for whom', async () => {
  await choose({ tell: 'never', place: 'mine', connection: 'dummy-two' })
  const acts = await context.db.selectFrom('audit').selectAll().orderBy('details').execute()
  expect(acts.map(({ details }) => JSON.parse(details ?? ''))).toEqual([
    { answers: { for: 'C1', connection: 'dummy-two' } },
    { answers: { for: 'themselves', tell: 'never', place: 'mine' } },
  ])
  for (const act of acts)
    expect(act).toMatchObject({ action: 'settings_changed', actor: 'U1', requester: 'U1', channel: 'C1' })
})

it('takes nothing that its page does not offer', async () => {
  await choose({ tell: 'always', place: 'C9', connection: 'dummy-three' })
  expect(await readSetting(context.db, { scope: 'person', id: 'U1' })).toEqual({})
  expect(await readSetting(context.db, { scope: 'channel', id: 'C1' })).toEqual({})
  await ann.submit({ callback_id: 'settings', private_metadata: 'unknown', state: chosen({ connection: 'dummy-two' }) })
  expect(await readSetting(context.db, { scope: 'channel', id: 'C1' })).toEqual({})
})

it('settings open from the Home tab too, without a channel', async () => {
  await ann.press({ action_id: 'home:settings' }, { channel: undefined, view: { type: 'home' } })
  expect(JSON.stringify(page())).toContain('For you')
  expect(JSON.stringify(page())).not.toContain('For everyone')
})
