import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Rule } from '../../src/access/rules.js'
import { helpLines } from '../../src/commands/help/help.js'
import type { Verb } from '../../src/commands/verb.js'
import { testServices } from '../helpers/bolt-app.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { type Typist, typistOf } from '../helpers/typist.js'

const rule = (rest: Partial<Rule>): Rule => ({ who: ['members'], may: ['*'], on: ['*'], target: ['*'], ...rest })

let context: TestContext
let ann: Typist
beforeEach(async () => {
  context = await testContext()
  ann = typistOf(context)
})
afterEach(async () => await context.db.destroy())

it('help is short, and says what to type for each thing', async () => {
  const { text = '' } = (await ann.type('help')) ?? {}
  const lines = text.split('\n')
  expect(lines.length).toBeLessThanOrEqual(7)
  expect(lines[0]).toBe('*What you can do here*')
  expect(text).toContain('`/clone-app dummy-one clone`')
  expect(text).toContain('`/clone-app status · list`')
  expect(text).toContain('`/clone-app help dummy-one`')
})

it('help shows only what the rules let this person do', async () => {
  const asker = { id: 'U1', membership: 'member', groups: [], channel: 'C1' } as const
  const run = async () => null
  const some: Verb[] = [
    { words: ['history'], usage: 'history', does: 'what happened', needs: 'history', run },
    { words: ['status'], usage: 'status', does: 'how it stands', group: 'follow', run },
  ]
  const linesFor = (rules: Rule[]) =>
    helpLines(some, testServices(context, { access: { owner: '#platform', rules } }), asker).join('\n')
  expect(linesFor([rule({})])).toContain('history')
  expect(linesFor([rule({ may: ['clone'] })])).not.toContain('history')
  expect(linesFor([])).toContain("You can't start anything here. Ask #platform for access.")
  expect(linesFor([])).not.toContain('dummy-one')
})

it('help of a connection, an operation and a command has the details', async () => {
  expect((await ann.type('help dummy-one'))?.text).toContain('`name=` Name (required)')
  expect((await ann.type('help dummy-one blind'))?.text).not.toContain('dummy-one clone')
  expect((await ann.type('help list'))?.text).toMatch(/^• `\/clone-app list \[mine/)
  expect((await ann.type('help all'))?.text).toContain('• `/clone-app cancel <job>` – ')
})

it.each([
  ['hlep', '`/clone-app help`'],
  ['stauts', '`/clone-app status`'],
  ['dumy-one clone name=copy', '`/clone-app dummy-one clone name=copy`'],
  ['help dumy-one', '`/clone-app help dummy-one`'],
  ['dummy-one cloen', '`/clone-app dummy-one clone`'],
])('a mistyped "%s" is answered with a line to copy', async (text, line) => {
  expect((await ann.type(text))?.text.split('\n').at(-1)).toBe(line)
})
