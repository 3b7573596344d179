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
  expect(lines).toEqual([
    '*What you can do here*, with one of these words after `/clone-app`:',
    '• *Clone:* `/clone-app` opens the form. Faster: `/clone-app dummy-one clone`',
    '• *Follow:* `status`, `list`, `history` – your jobs, and others you can see',
    "• *Manage:* `cancel`, `retry`, `check`, `stop`, `mute`, `unmute`, `again`, `delete`, `extend` – with a job's ID, or use the buttons in its thread",
    '• *Repeat:* `preset`, `presets`, `schedule`, `schedules` – what you saved under a name, now or on a schedule',
    '• *More:* `settings`, `help dummy-one` for its fields, `help all` for every command',
  ])
})

it('help for a person who may only see how jobs stand has nothing else', async () => {
  const bea = typistOf(context, { access: { owner: '#platform', rules: [rule({ may: ['status'] })] } })
  expect((await bea.type('help'))?.text.split('\n')).toEqual([
    '*What you can do here*, with one of these words after `/clone-app`:',
    "• You can't start anything here. Ask #platform for access.",
    '• *Follow:* `status`, `list` – your jobs, and others you can see',
    '• *More:* `help all` for every command',
  ])
  expect((await bea.type('help all'))?.text).not.toMatch(/cancel|history|approve|preset|schedule|settings/)
  expect((await bea.type('help cancel'))?.text).toBe(
    '• `/clone-app cancel &lt;job&gt;` – stops a job before its next request (also: `abort`)',
  )
})

it.each<{ rules: Partial<Rule>[]; words: string }>([
  { rules: [{ may: ['cancel'] }], words: 'cancel stop mute unmute' },
  { rules: [{ may: ['retry', 'extend'] }], words: 'retry check extend' },
  { rules: [{ may: ['history', 'schedule'] }], words: 'history schedule schedules' },
  { rules: [{ may: ['approve'] }], words: '' },
  {
    rules: [{ who: ['U2'], approval: { by: ['U1'], count: 1, expiresMs: 1 } }],
    words: 'approve deny',
  },
  {
    rules: [{ may: ['approve'] }, { who: ['U2'], approval: { count: 1, expiresMs: 1 } }],
    words: 'approve deny',
  },
  { rules: [{ who: ['U2'], approval: { by: ['U3'], count: 1, expiresMs: 1 } }], words: '' },
])('help with the rules $rules adds "$words"', async ({ rules, words }) => {
  const bea = typistOf(context, { access: { owner: '#platform', rules: rules.map(rule) } })
  const all = (await bea.type('help all'))?.text.matchAll(/^• `\/clone-app (\S+?)[ `]/gm) ?? []
  const always = ['status', 'list', 'help']
  expect(
    [...all]
      .map(([, word = '']) => word)
      .filter((word) => !always.includes(word))
      .join(' '),
  ).toBe(words)
})

it('help shows only what the rules let this person do', async () => {
  const asker = { id: 'U1', membership: 'member', groups: [], channel: 'C1' } as const
  const run = async () => null
  const some: Verb[] = [
    { words: ['history'], usage: 'history', does: 'what happened', needs: ['history'], run },
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
  expect((await ann.type('help all'))?.text).toContain('• `/clone-app cancel &lt;job&gt;` – ')
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
