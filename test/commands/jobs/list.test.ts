import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Rule } from '../../../src/access/rules.js'
import type { NewJob } from '../../../src/store/new-job.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { elementsIn, type Typist, typistOf } from '../../helpers/typist.js'

const rule = (rest: Partial<Rule>): Rule => ({ who: ['members'], may: ['*'], on: ['*'], target: ['*'], ...rest })

let context: TestContext
let ann: Typist
let rules: Rule[]

beforeEach(async () => {
  context = await testContext()
  rules = [rule({})]
  ann = typistOf(context, {
    access: {
      owner: '#platform',
      get rules() {
        return rules
      },
    },
  })
})
afterEach(async () => await context.db.destroy())

async function ask(count: number, draft: Partial<NewJob> = {}): Promise<string[]> {
  const ids: string[] = []
  for (let at = 0; at < count; at += 1) {
    context.pass(1_000)
    ids.push((await context.ask(draft)).id)
  }
  return ids
}

/** The ids of the jobs in an answer, in order. */
const idsIn = (answer: { blocks: unknown } | undefined) =>
  [...JSON.stringify(answer?.blocks ?? []).matchAll(/job `([a-z0-9]{5})`/g)].map(([, id]) => id)

function button(answer: { blocks: Record<string, unknown>[] } | undefined, action_id: string) {
  const found = elementsIn(answer?.blocks ?? []).find((one) => one.action_id === action_id)
  if (!found) throw new Error(`There is no ${action_id}.`)
  return found
}

describe('list', () => {
  it('shows the person their own jobs, newest first, ten on a page', async () => {
    const mine = (await ask(12)).reverse()
    await ask(1, { requester: 'U2' })
    const first = await ann.type('list')
    expect(first?.text).toMatch(/^Your jobs, page 1 of 2: copy-12 is queued \(job /)
    expect(idsIn(first)).toEqual(mine.slice(0, 10))
    await ann.press(button(first, 'list:next'))
    expect(ann.answers.at(-1)?.replace_original).toBe(true)
    expect(idsIn(ann.answers.at(-1))).toEqual(mine.slice(10))
    await ann.press(button(ann.answers.at(-1), 'list:previous'))
    expect(idsIn(ann.answers.at(-1))).toEqual(mine.slice(0, 10))
  })

  it('of running, failed and all jobs shows those that the person may see', async () => {
    const [one = ''] = await ask(1, { requester: 'U2' })
    const [two = ''] = await ask(1, { requester: 'U2', target: 'secret-shop' })
    rules = [rule({ may: ['clone'] }), rule({ who: ['U1'], may: ['status'] })]
    expect(idsIn(await ann.type('list all'))).toEqual([])
    rules = [rule({ may: [], target: ['secret*'] }), rule({ may: ['clone', 'status'] })]
    expect(idsIn(await ann.type('list running'))).toEqual([one])
    expect(idsIn(await ann.type('list all', 'U2'))).toEqual([two, one])
    expect((await ann.type('list failed'))?.text).toBe('Failed jobs: No jobs here.')
  })

  it('reads everything again at each click, whatever the button carries', async () => {
    const [job = ''] = await ask(1, { requester: 'U2' })
    const all = await ann.type('list all')
    expect(idsIn(all)).toEqual([job])
    rules = [rule({ may: ['clone'] })]
    await ann.press(button(all, 'list:all'))
    expect(idsIn(ann.answers.at(-1))).toEqual([])
    for (const value of [
      '',
      'nonsense',
      '{"which":"mine","page":-1}',
      '{"which":"hers","page":1e9,"person":"<@U2>"}',
    ]) {
      await ann.press({ action_id: 'list:next', value })
      expect(ann.answers.at(-1)?.text).toMatch(/^Your jobs: No jobs here/)
    }
  })

  it('can be narrowed to a connection and a person, typed or chosen', async () => {
    await ask(1, { requester: 'U3' })
    const [theirs = ''] = await ask(1, { requester: 'U2' })
    expect(idsIn(await ann.type('list person=<@U2|bo> connection=dummy-one'))).toEqual([theirs])
    expect(idsIn(await ann.type('list person=U2'))).toEqual([theirs])
    const mine = await ann.type('list dummy-one')
    expect(mine?.text).toBe('Your jobs on dummy-one: No jobs here.')
    const { block_id } = mine?.blocks.find(({ type }) => type === 'actions') ?? {}
    await ann.press({ action_id: 'list:person', type: 'users_select', selected_user: 'U2', block_id })
    expect(ann.answers.at(-1)?.text).toMatch(/^All jobs of <@U2> on dummy-one: copy-2 is queued/)
    expect(idsIn(ann.answers.at(-1))).toEqual([theirs])
  })

  it.each([
    ['list runing', 'There\'s no list "runing". Did you mean:\n`/clone-app list running`'],
    ['list dumy-one', 'There\'s no list "dumy-one". Did you mean:\n`/clone-app list dummy-one`'],
    [
      'list connection=dumy-on',
      'There\'s no connection "dumy-on". Did you mean:\n`/clone-app list connection=dummy-one`',
    ],
    ['list conection=dummy-one', 'A list has no field "conection". Did you mean:\n`/clone-app list connection=`'],
    ['list xyzzy-plugh', 'There\'s no list "xyzzy-plugh". All of yours:\n`/clone-app list`'],
    [
      'list person=@bo',
      'I can\'t tell who "@bo" is from a command. List all jobs and choose the person there:\n`/clone-app list all`',
    ],
  ])('answers "%s" with what can be typed instead', async (text, answer) => {
    expect((await ann.type(text))?.text).toBe(answer)
  })

  it('has what its thread has for each line, and answers what came of it', async () => {
    const [id = ''] = await ask(1)
    const list = await ann.type('list')
    const menu = button(list, 'job:more')
    expect(menu).not.toHaveProperty('confirm')
    const question = `copy-1, job ${id}: Nothing has been sent to the provider, and nothing will be.`
    expect(button(list, 'job:cancel')).toMatchObject({ value: id, confirm: { text: { text: question } } })
    const choose = (value: string, user?: string) =>
      ann.press({ ...menu, type: 'overflow', selected_option: { value, text: { text: '' } } }, {}, user)
    await choose(`mute ${id}`)
    expect(ann.answers.at(-1)?.text).toBe(`Done: job \`${id}\` is queued.`)
    expect((await context.job(id)).isMuted).toBe(true)
    rules = [rule({ may: ['clone'] })]
    await choose(`cancel ${id}`, 'U2')
    expect(ann.answers.at(-1)?.text).toBe(`You can't cancel job ${id}. Ask #platform for access.`)
    await choose(`cancel ${id}`)
    expect(ann.answers.at(-1)?.text).toBe(`Done: job \`${id}\` was cancelled.`)
  })

  it('stays within what one message takes, with the longest names', async () => {
    await ask(10, { target: `${'&'.repeat(4_000)}`, source: '<'.repeat(4_000), connection: 'dummy-one' })
    const answer = await ann.type('list')
    expect(answer?.blocks.length).toBeLessThanOrEqual(50)
    expect(answer?.text.length).toBeLessThanOrEqual(4_000)
  })
})

describe('status', () => {
  it('without a job is that of the latest live one, with the buttons and the link of its thread', async () => {
    const [first = '', second = ''] = await ask(2)
    await context.db.updateTable('messages').set({ ts: '1.23' }).where('jobId', '=', second).execute()
    const answer = await ann.type('status')
    expect(answer?.text).toContain('<https://woolworks.slack.com/archives/C1/p123|Open its thread>')
    expect(answer?.text).toMatch(/source|shop-api → copy-2/)
    expect(button(answer, 'job:cancel').value).toBe(second)
    expect(JSON.stringify(answer?.blocks)).toContain('so far')
    await ann.press(button(answer, 'job:cancel'))
    expect(ann.answers.at(-1)?.text).toBe(`Done: job \`${second}\` was cancelled.`)
    expect(button(await ann.type('status'), 'job:cancel').value).toBe(first)
  })

  it('names a job that is mistyped as a line that can be copied', async () => {
    const [id = ''] = await ask(1)
    const wrong = id.replace(/^./, (letter) => (letter === 'a' ? 'b' : 'a'))
    expect((await ann.type(`status ${wrong}`))?.text).toBe(
      `There's no job "${wrong}". Did you mean:\n\`/clone-app status ${id}\``,
    )
    expect((await ann.type(`cancel ${wrong}`))?.text).toContain(`\`/clone-app cancel ${id}\``)
    expect((await ann.type('cancel'))?.text).toContain('`/clone-app list`')
  })

  it('of an own job is always shown, of another only where a rule says so', async () => {
    const [theirs = ''] = await ask(1, { requester: 'U2' })
    rules = [rule({ may: ['blind'] })]
    expect((await ann.type(`status ${theirs}`))?.text).toBe(`You can't see job ${theirs}. Ask #platform for access.`)
    expect((await ann.type(`status ${theirs}`, 'U2'))?.text).toContain('requested by <@U2>')
    expect((await ann.type('status'))?.text).toBe("You haven't started a job yet. Type `/clone-app` to start one.")
  })
})
