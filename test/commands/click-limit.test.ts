/** A person who clicks without end, in messages and on the Home tab. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type TestContext, testContext } from '../helpers/context.js'
import { type Typist, typistOf } from '../helpers/typist.js'

let context: TestContext
let ann: Typist
beforeEach(async () => {
  context = await testContext()
  ann = typistOf(context)
})
afterEach(async () => await context.db.destroy())

const events = async () => (await context.db.selectFrom('events').selectAll().execute()).length

it('clicks of one person are bounded, with one answer to those that are too many, and reach nobody else', async () => {
  const { id } = await context.ask()
  const before = await events()
  for (let clicks = 0; clicks < 60; clicks += 1)
    await ann.press({ action_id: `job:${clicks % 2 === 0 ? 'mute' : 'unmute'}`, value: id })
  expect((await events()) - before).toBe(30)
  const refused = ann.answers.filter(({ text }) => text.startsWith('That was a lot at once.'))
  expect(refused.map(({ text }) => text)).toEqual(['That was a lot at once. Wait 1 s, then click again.'])
  await ann.press({ action_id: 'job:mute', value: id }, {}, 'U2')
  expect((await events()) - before).toBe(31)
  context.pass(1_000)
  await ann.press({ action_id: 'job:unmute', value: id })
  expect((await events()) - before).toBe(32)
})

it('clicks on the Home tab count as well, and are answered on top of it', async () => {
  for (let clicks = 0; clicks < 35; clicks += 1)
    await ann.press({ action_id: 'home:settings' }, { channel: undefined, view: { type: 'home' } })
  const titles = ann.calls.map(({ args }) => JSON.stringify(args))
  expect(titles).toHaveLength(31)
  expect(titles.at(-1)).toContain('That was a lot at once.')
})
