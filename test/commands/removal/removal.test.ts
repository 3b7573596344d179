/** Deleting what a job made: who can, what they are asked, and what a second click gets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { viewProblems } from '../../../sandbox/slack/checks.js'
import type { AccessRules } from '../../../src/access/rules.js'
import type { Job } from '../../../src/domain/job.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { slackOf } from '../../helpers/person.js'

let context: TestContext
let slack: ReturnType<typeof slackOf>
let access: AccessRules

const everything = { who: ['members'], may: ['*'], on: ['*'], target: ['*'] }

beforeEach(async () => {
  context = await testContext()
  access = { owner: '#platform', rules: [everything] }
  slack = slackOf(context, { access })
})
afterEach(() => context.db.destroy())

/** A job that has ended, in the channel C1. */
async function ended(phase: 'done' | 'failed' = 'done', draft = {}): Promise<Job> {
  const { id } = await context.ask({ target: 'shop-web-pr-12 in staging', askedIn: 'C1', ...draft })
  context.world.observation = { phase }
  await runUntilEnd(id)
  await context.db.updateTable('messages').set({ ts: '1.5' }).where('jobId', '=', id).execute()
  return await context.job(id)
}

async function runUntilEnd(id: string): Promise<void> {
  for (let count = 0; count < 20 && (await context.job(id)).endedAt === null; count += 1) {
    await context.runUntilIdle()
    context.pass(5_000)
  }
}

async function page(job: Job, user = 'U1') {
  await slack.press('job:delete', job.id, { user })
  const view = slack.opened.at(-1)
  if (!view) throw new Error(`No page was opened: ${slack.answers.at(-1)}`)
  return view
}

const removals = async () =>
  await context.db.selectFrom('jobs').selectAll().where('removes', 'is not', null).orderBy('createdAt').execute()

describe('the page that asks', () => {
  it('names what is deleted, what goes with it, and who had it made', async () => {
    const job = await ended()
    const view = await page(job)
    expect(viewProblems(view)).toEqual([])
    const words = JSON.stringify(view)
    expect(words).toContain('This deletes shop-web-pr-12 in staging')
    expect(words).toContain('The thing and its data.')
    expect(words).toContain('Started by <@U1> <!date^')
    expect(view).toMatchObject({ submit: { text: 'Delete shop-web-pr-12' } })
    expect(await removals()).toEqual([])
  })

  it('opens for the typed verb as well, and keeps a long name whole', async () => {
    const target = `${'shop-'.repeat(80)}web`
    const job = await ended('done', { target })
    await slack.type(`delete ${job.id.toUpperCase()}`)
    const [view] = slack.opened
    expect(viewProblems(view)).toEqual([])
    expect(JSON.stringify(view)).toContain(target)
    expect(view).toMatchObject({ submit: { text: 'Delete it' } })
  })

  it('says of a failed job that this is what it left behind', async () => {
    const job = await ended('failed')
    expect(JSON.stringify(await page(job))).toContain('this deletes what it left behind')
  })
})

describe('a deletion that is confirmed', () => {
  it('becomes a job of its own that deletes exactly that', async () => {
    const job = await ended()
    expect(await slack.submit(await page(job))).toEqual({ response_action: 'clear' })
    const [removal] = await removals()
    expect(removal).toMatchObject({ removes: job.id, requester: 'U1', askedIn: 'C1', lock: job.lock })
    const acts = await context.db.selectFrom('audit').selectAll().where('action', '=', 'removal_started').execute()
    expect(acts).toMatchObject([{ jobId: job.id, actor: 'U1', channel: 'C1' }])
    await runUntilEnd(removal?.id ?? '')
    expect(context.world.removed).toEqual([job.ref?.id])
    expect((await context.job(job.id)).removedAt).not.toBeNull()
  })

  it('is one job however often it arrives', async () => {
    const job = await ended()
    const view = await page(job)
    await slack.submit(view)
    expect(await slack.submit(view)).toEqual({ response_action: 'clear' })
    expect(await removals()).toHaveLength(1)
  })

  it('by a second person hears who was first, and their page stays', async () => {
    const job = await ended()
    const [first, second] = [await page(job), await page(job, 'U2')]
    await slack.submit(first)
    const answer = await slack.submit(second, { user: 'U2', id: 'V2' })
    expect(answer).toMatchObject({ response_action: 'push', view: { callback_id: 'notice' } })
    expect(JSON.stringify(answer)).toContain("It's already being deleted. <@U1> asked for that <!date^")
    expect(await removals()).toHaveLength(1)
  })

  it('waits for nobody: while another job works on the same target, it is refused', async () => {
    const job = await ended()
    const view = await page(job)
    const other = await context.ask({ lock: job.lock, requester: 'U9' })
    const answer = await slack.submit(view)
    expect(JSON.stringify(answer)).toContain(`<@U9> was first: job \`${other.id}\``)
    expect(await removals()).toEqual([])
    expect(await context.job(job.id)).toMatchObject({ removalJob: null })
  })

  it('of a failed job deletes what that left behind', async () => {
    const job = await ended('failed')
    await slack.submit(await page(job))
    context.world.observation = { phase: 'done' }
    await runUntilEnd((await removals())[0]?.id ?? '')
    expect(context.world.removed).toEqual([job.ref?.id])
  })
})

describe('trying a job again that failed halfway', () => {
  /** Its first step was accepted, and then failed. */
  const retried = async (id: string) => {
    context.world.observation = { phase: 'done' }
    await runUntilEnd(id)
    return await context.job(id)
  }

  it('takes two presses: the page says what is deleted first, and then the job runs again', async () => {
    const job = await ended('failed', { keepForMs: 7 * 86_400_000 })
    await slack.press('job:try_again', job.id)
    const view = slack.opened.at(-1)
    if (!view) throw new Error('No page was opened.')
    expect(viewProblems(view)).toEqual([])
    expect(view).toMatchObject({ submit: { text: 'Delete and try again' } })
    expect(JSON.stringify(view)).toContain('the job runs again from the start, with the same answers')
    expect(await context.job(job.id)).toMatchObject({ state: 'failed' })
    expect(context.world).toMatchObject({ writes: 1, removed: [] })

    expect(await slack.submit(view)).toEqual({ response_action: 'clear' })
    const [removal] = await removals()
    context.world.observation = { phase: 'done' }
    await runUntilEnd(removal?.id ?? '')
    expect(context.world.removed).toEqual([job.ref?.id])
    const done = await retried(job.id)
    expect(done).toMatchObject({ state: 'succeeded', removalJob: null, removedAt: null })
    expect(done.ref?.id).not.toBe(job.ref?.id)
    expect(context.world.made.map(({ step }) => step)).toEqual(['clone', 'clone'])
    const kinds = await context.db.selectFrom('events').select('kind').where('jobId', '=', job.id).execute()
    expect(kinds.map(({ kind }) => kind).slice(-6)).toEqual([
      ...['removal_started', 'removed', 'tried_again', 'step_started', 'step_accepted', 'succeeded'],
    ])
  })

  it('works the same for the typed verb, and twice is once', async () => {
    const job = await ended('failed')
    await slack.type(`retry ${job.id}`)
    const view = slack.opened.at(-1)
    if (!view) throw new Error(`No page was opened: ${slack.answers.at(-1)}`)
    await slack.submit(view)
    expect(await slack.submit(view, { id: 'V2' })).toMatchObject({ response_action: 'push' })
    expect(await removals()).toHaveLength(1)
    await slack.press('job:try_again', job.id)
    expect(slack.answers.at(-1)).toContain("That's not possible any more")
  })

  it('leaves the job as it was when the deletion fails, and goes on when that is tried again', async () => {
    const job = await ended('failed')
    await slack.press('job:try_again', job.id)
    await slack.submit(slack.opened.at(-1) ?? { callback_id: '', private_metadata: '' })
    const [removal] = await removals()
    await runUntilEnd(removal?.id ?? '')
    expect(await context.job(job.id)).toMatchObject({ state: 'failed', removalJob: null, ref: job.ref })
    await slack.press('job:try_again', removal?.id ?? '')
    await slack.submit(slack.opened.at(-1) ?? { callback_id: '', private_metadata: '' }, { id: 'V2' })
    const [, again] = await removals()
    expect(await retried(again?.id ?? '')).toMatchObject({ state: 'succeeded' })
    expect(await retried(job.id)).toMatchObject({ state: 'succeeded' })
  })

  it('needs both rules: one to delete and one to retry', async () => {
    const job = await ended('failed')
    for (const may of ['delete', 'retry']) {
      access.rules = [{ ...everything, may: [may] }]
      await slack.press('job:try_again', job.id, { user: 'U2' })
      expect(slack.answers.at(-1)).toMatch(/^You can't /)
    }
    access.rules = [{ ...everything, may: ['delete', 'retry'] }]
    await slack.press('job:try_again', job.id, { user: 'U2' })
    expect(slack.opened).toHaveLength(1)
    access.rules = [{ ...everything, may: ['delete'] }]
    const answer = await slack.submit(slack.opened[0] ?? { callback_id: '', private_metadata: '' }, { user: 'U2' })
    expect(JSON.stringify(answer)).toContain("can't retry job")
    expect(await removals()).toEqual([])
  })

  it('deletes nothing when a later step failed: that one is repeated', async () => {
    const { id } = await context.ask({ params: { name: 'shop-copy', deploy: true } })
    await context.runUntilIdle()
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    context.world.observation = { phase: 'failed' }
    await runUntilEnd(id)
    expect(await context.job(id)).toMatchObject({ state: 'failed', step: 'deploy' })
    await slack.press('job:try_again', id)
    expect(slack.opened).toEqual([])
    expect(await retried(id)).toMatchObject({ state: 'succeeded' })
    expect(context.world.made.map(({ step }) => step)).toEqual(['clone', 'deploy', 'deploy'])
    expect(context.world.removed).toEqual([])
  })
})

describe('a rule that asks for an approval of deletions', () => {
  const approval = { by: ['U8', 'U9'], count: 1, expiresMs: 3_600_000 }

  it('has others agree before anything is deleted, and the page says so', async () => {
    const job = await ended()
    access.rules = [{ ...everything, may: ['delete'], approval }]
    const view = await page(job, 'U2')
    expect(viewProblems(view)).toEqual([])
    expect(JSON.stringify(view)).toContain('*Approval*')
    await slack.submit(view, { user: 'U2' })
    const [removal] = await removals()
    expect(removal).toMatchObject({ state: 'awaiting_approval' })
    expect(JSON.parse(removal?.approval ?? '')).toMatchObject({
      by: ['U8', 'U9'],
      warning: 'This deletes shop-web-pr-12 in staging. The thing and its data.',
    })
    await context.runUntilIdle()
    expect(context.world.removed).toEqual([])
    await slack.type(`approve ${removal?.id}`, { user: 'U8' })
    await runUntilEnd(removal?.id ?? '')
    expect(context.world.removed).toEqual([job.ref?.id])
  })

  it('leaves everything as it was when nobody agrees', async () => {
    const job = await ended('done', { keepForMs: 7 * 86_400_000 })
    access.rules = [{ ...everything, may: ['delete'], approval }]
    await slack.submit(await page(job, 'U2'), { user: 'U2' })
    context.pass(3_600_001)
    await context.runUntilIdle()
    expect((await removals())[0]).toMatchObject({ state: 'expired' })
    expect(await context.job(job.id)).toMatchObject({ removalJob: null, expiresAt: job.expiresAt })
    expect(context.world.removed).toEqual([])
  })

  it('does not bind those whom another rule lets delete without it', async () => {
    const job = await ended()
    access.rules = [
      { ...everything, who: ['C1'], may: ['delete'] },
      { ...everything, may: ['delete'], approval },
    ]
    await slack.submit(await page(job, 'U2'), { user: 'U2' })
    expect((await removals())[0]).toMatchObject({ state: 'queued' })
  })

  it.each([
    ['lists delete', ['clone', 'delete'], 'awaiting_approval'],
    ['lists everything', ['*'], 'awaiting_approval'],
    ['only lets them start such jobs', ['clone'], 'queued'],
  ])('holds for what one had made oneself if the rule %s', async (_, may, state) => {
    const job = await ended()
    access.rules = [{ ...everything, may, approval }]
    const view = await page(job)
    expect(JSON.stringify(view).includes('*Approval*')).toBe(state === 'awaiting_approval')
    await slack.submit(view)
    expect(await removals()).toMatchObject([{ state }])
  })

  it('can’t be asked of too few people', async () => {
    const job = await ended()
    access.rules = [{ ...everything, may: ['delete'], approval: { ...approval, by: ['U2'] } }]
    await slack.press('job:delete', job.id, { user: 'U2' })
    expect(slack.opened).toEqual([])
    expect(slack.answers.at(-1)).toContain('Someone else must approve this, but the rules name too few')
  })
})

describe('a click on something that can no longer be deleted', () => {
  async function answered(job: Job): Promise<string | undefined> {
    await slack.press('job:delete', job.id)
    expect(slack.opened).toEqual([])
    return slack.answers.at(-1)
  }

  it('says that a job still runs', async () => {
    expect(await answered(await context.ask())).toMatch(
      /^Job `\w+` is queued\. Cancel it first, or wait until it ends\.$/,
    )
  })

  it('says that nothing is known that could be deleted', async () => {
    const { id } = await context.ask()
    await slack.type(`cancel ${id}`)
    expect(await answered(await context.job(id))).toContain(`There's nothing to delete: as far as I know`)
  })

  it('says that it is gone, and when it went', async () => {
    const job = await ended()
    await context.db.updateTable('jobs').set({ removedAt: context.now(), removalJob: 'x' }).execute()
    expect(await answered(job)).toMatch(/^It's already gone: it was deleted <!date\^/)
  })

  it('says of a deletion that it deletes something itself', async () => {
    const job = await ended()
    await context.db.updateTable('jobs').set({ removes: 'aaaaa' }).execute()
    expect(await answered(job)).toContain('is itself a deletion')
  })

  it('leaves alone what was there before Dolly wrote to it', async () => {
    const job = await ended('done', { operation: 'blind' })
    expect(await answered(job)).toContain('made nothing of its own: it wrote to *shop-web-pr-12 in staging*')
  })

  it('asks which job is meant, and knows none that does not exist', async () => {
    await slack.type('delete')
    await slack.type('delete zzzzz')
    expect(slack.answers[0]).toBe(
      'Which job? Type "delete" and the job\'s ID from its thread. Your jobs:\n`/clone-app list`',
    )
    expect(slack.answers[1]).toContain(`There's no job "zzzzz".`)
  })
})

describe('a rule for delete that asks for an approval', () => {
  const approval = { by: ['U9'], count: 1, expiresMs: 3_600_000 }

  it('has others agree to what is lost before anything is deleted, and the request shows that alone', async () => {
    access.rules = [{ ...everything, may: ['delete'], approval }]
    const job = await ended()
    const view = await page(job, 'U2')
    await slack.submit(view, { user: 'U2' })
    const [removal] = await removals()
    expect(removal).toMatchObject({ state: 'awaiting_approval', dueAt: context.now() + 3_600_000, requester: 'U2' })
    expect((await context.job(removal?.id ?? '')).approval).toMatchObject({
      by: ['U9'],
      warning: expect.stringContaining('data'),
    })
    const writes = context.world.writes
    await context.runUntilIdle()
    expect(context.world.writes).toBe(writes)
    await slack.press('job:approve', removal?.id ?? '', { user: 'U9' })
    expect((await context.job(removal?.id ?? '')).state).toBe('queued')
  })

  it('asks for none where a job is one’s own and its rule asked for none', async () => {
    access.rules = [{ ...everything, may: ['clone'] }]
    const view = await page(await ended())
    await slack.submit(view)
    expect(await removals()).toMatchObject([{ state: 'queued', approval: null }])
  })
})

describe('somebody without the right to delete', () => {
  it('opens no page, and is told whom to ask', async () => {
    const job = await ended()
    access.rules = [{ ...everything, may: ['clone', 'retry'] }]
    await slack.press('job:delete', job.id, { user: 'U2' })
    expect(slack.opened).toEqual([])
    expect(slack.answers).toEqual([`You can't delete the result of job ${job.id}. Ask #platform for access.`])
  })

  it("can't try a failed deletion again either, however much of a right to retry they have", async () => {
    const job = await ended()
    await slack.submit(await page(job))
    const [removal] = await removals()
    context.world.observation = { phase: 'failed' }
    await runUntilEnd(removal?.id ?? '')
    expect(await context.job(removal?.id ?? '')).toMatchObject({ state: 'failed' })
    access.rules = [{ ...everything, may: ['status', 'retry'] }]
    const before = slack.opened.length
    await slack.press('job:try_again', removal?.id ?? '', { user: 'U2' })
    expect(slack.answers.at(-1)).toContain(`You can't delete the result of job ${job.id}`)
    await slack.type(`retry ${removal?.id}`, { user: 'U2' })
    expect(slack.answers.at(-1)).toContain(`You can't delete the result of job ${job.id}`)
    expect(slack.opened).toHaveLength(before)
    expect(await context.job(removal?.id ?? '')).toMatchObject({ state: 'failed' })
  })

  it('can delete what they asked for themselves, provided they could still ask for it', async () => {
    const job = await ended()
    access.rules = [{ ...everything, may: ['clone'] }]
    expect(await page(job)).toBeDefined()
    access.rules = [{ ...everything, may: [] }]
    await slack.press('job:delete', job.id)
    expect(slack.answers.at(-1)).toContain("You can't delete the result of job")
  })

  it('is refused when the rules changed while the page was open', async () => {
    const job = await ended()
    const view = await page(job, 'U2')
    access.rules = [{ ...everything, may: ['clone'] }]
    const answer = await slack.submit(view, { user: 'U2' })
    expect(answer).toMatchObject({ response_action: 'push' })
    expect(JSON.stringify(answer)).toContain("You can't delete the result of job")
    expect(await removals()).toEqual([])
  })

  it('gains nothing from a page that names another job, or that somebody else opened', async () => {
    const job = await ended()
    // Whoever is in the channel of the thread may delete.
    access.rules = [{ ...everything, who: ['C1'], may: ['delete'] }]
    const view = await page(job, 'U2')
    const answer = await slack.submit(view, { user: 'U3' })
    expect(JSON.stringify(answer)).toContain("You can't delete the result of job")
    expect(await removals()).toEqual([])
    expect(await slack.submit(view, { user: 'U2' })).toEqual({ response_action: 'clear' })
  })

  it('is told so where the page was tampered with', async () => {
    const view = await page(await ended())
    const answer = await slack.submit({ ...view, private_metadata: '{"job":7}' })
    expect(JSON.stringify(answer)).toContain("This form can't be read.")
  })
})
