/** Clicks for which Slack opens no page any more: a trigger works for three seconds, and once. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { savePreset } from '../../src/store/presets.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { newPreset } from '../helpers/preset.js'
import { type Typist, typistOf } from '../helpers/typist.js'

let context: TestContext
let ann: Typist
let code: string
let errors: unknown[][]

beforeEach(async () => {
  context = await testContext()
  code = 'expired_trigger_id'
  errors = []
  const log = { ...context.log, error: (...given: unknown[]) => errors.push(given) }
  ann = typistOf(context, { log }, ({ method }) =>
    method.startsWith('views.') ? { ok: false, error: code } : undefined,
  )
})
afterEach(async () => await context.db.destroy())

/** A job that made something, so that every page can be asked for. */
async function madeJob(): Promise<string> {
  const { id } = await context.ask({ channel: 'C1', askedIn: 'C1' })
  const ended = { state: 'succeeded', step: 'clone', ref: '{}', endedAt: 1, dueAt: null } as const
  await context.db.updateTable('jobs').set(ended).where('id', '=', id).execute()
  return id
}

it.each(['edit', 'preset', 'schedule', 'delete'])('%s below a job says that Slack took too long', async (word) => {
  await ann.press({ action_id: `job:${word}`, value: await madeJob() })
  expect(ann.answers.map(({ text }) => text)).toEqual(['Slack took too long, so nothing opened. Try again.'])
  expect(errors).toEqual([])
})

it('a preset of the list that was opened already says so', async () => {
  code = 'exchanged_trigger_id'
  const saving = await savePreset(context.db, newPreset({}), 'C1', 1)
  if (saving.kind !== 'saved') throw new Error(saving.kind)
  await ann.press({ action_id: 'preset:open', value: saving.preset.id })
  expect(ann.answers.map(({ text }) => text)).toEqual(["It's open already."])
  expect(errors).toEqual([])
})

it.each(['home:clone', 'home:settings'])(
  '%s breaks nothing where the Home tab has no place for an answer',
  async (action_id) => {
    await ann.press({ action_id }, { channel: undefined, view: { type: 'home' } })
    expect(ann.calls.filter(({ method }) => method === 'views.open').length).toBeGreaterThan(0)
    expect(errors).toEqual([])
  },
)

it('a page that should have come on top of the form breaks nothing', async () => {
  await ann.press({ action_id: 'preset:save_form' }, { view: { type: 'modal', private_metadata: 'gone' } })
  expect(ann.calls.map(({ method }) => method)).toEqual(['views.push'])
  expect(errors).toEqual([])
})
