/** Keeping what a job made for longer: by a click or typed, within what the operator allows. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccessRules } from '../../../src/access/rules.js'
import type { ExpiryPolicy } from '../../../src/domain/expiry.js'
import type { Job } from '../../../src/domain/job.js'
import { hintOf } from '../../../src/slack/message/buttons.js'
import { readAudit } from '../../../src/store/audit.js'
import { readEvents } from '../../../src/store/events.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { slackOf } from '../../helpers/person.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let context: TestContext
let slack: ReturnType<typeof slackOf>
let access: AccessRules

beforeEach(async () => {
  context = await testContext()
  access = { owner: '#platform', rules: [{ who: ['members'], may: ['*'], on: ['*'], target: ['*'] }] }
  slack = slackOf(context, { access })
})
afterEach(() => context.db.destroy())

function policy(expiry: Partial<ExpiryPolicy>): void {
  const [connection] = context.connections.values()
  if (connection) Object.assign(connection.expiry, expiry)
}

async function made(keepForMs: number | null): Promise<Job> {
  const { id } = await context.ask({ keepForMs, askedIn: 'C1' })
  context.world.observation = { phase: 'done' }
  for (let count = 0; count < 20 && (await context.job(id)).endedAt === null; count += 1) {
    await context.runUntilIdle()
    context.pass(1_000)
  }
  return await context.job(id)
}

const inDays = (at: number | null, since: number | null) => ((at ?? 0) - (since ?? 0)) / DAY

describe('a click on Extend', () => {
  it('keeps it for the usual time longer, and the thread hears who did it', async () => {
    policy({ defaultMs: 7 * DAY })
    const job = await made(2 * DAY)
    await slack.press('job:extend', job.id, { user: 'U2' })
    const present = await context.job(job.id)
    expect(inDays(present.expiresAt, job.expiresAt)).toBe(7)
    expect(present.expiryDueAt).toBe((present.expiresAt ?? 0) - DAY)
    expect((await readEvents(context.db, job.id)).at(-1)).toMatchObject({ kind: 'extended', actor: 'U2' })
    const [newest] = await readAudit(context.db, { job: job.id }, null, 1)
    expect(newest).toMatchObject({ action: 'extended', actor: 'U2', channel: 'C1' })
    expect(slack.answers).toEqual([expect.stringMatching(/^copy-1 is kept until <!date\^/)])
  })

  it('twice on the same message extends once, and the second hears until when it is kept', async () => {
    policy({ defaultMs: 7 * DAY })
    const job = await made(2 * DAY)
    const value = hintOf(job, 'extend')
    await Promise.all([slack.press('job:extend', value), slack.press('job:extend', value, { user: 'U2' })])
    const present = await context.job(job.id)
    expect(inDays(present.expiresAt, job.expiresAt)).toBe(7)
    expect((await context.kinds(job.id)).filter((kind) => kind === 'extended')).toHaveLength(1)
    const told = /^copy-1 is already kept until <!date[^>]*>\. To keep it longer, press Extend at the top/
    expect(slack.answers.filter((answer) => told.test(answer))).toHaveLength(1)
    // The message as it is drawn now extends it again, and so does the typed command.
    await slack.press('job:extend', hintOf(present, 'extend'))
    await slack.type(`extend ${job.id} 1d`)
    expect(inDays((await context.job(job.id)).expiresAt, job.expiresAt)).toBe(15)
  })

  it('extends nothing that its value does not name: what it carries only narrows', async () => {
    const job = await made(2 * DAY)
    for (const forged of ['0', 'null', `${Number.MAX_SAFE_INTEGER}`, `${(job.expiresAt ?? 0) + DAY}`])
      await slack.press('job:extend', `${job.id} ${forged}`)
    expect(await context.job(job.id)).toMatchObject({ expiresAt: job.expiresAt, version: job.version })
  })

  it('adds as much as was chosen where the operator sets nothing', async () => {
    const job = await made(3 * DAY)
    await slack.press('job:extend', job.id)
    expect(inDays((await context.job(job.id)).expiresAt, job.expiresAt)).toBe(3)
  })

  it('stops at the longest time, and says so from then on', async () => {
    policy({ defaultMs: 7 * DAY, maxMs: 10 * DAY })
    const job = await made(7 * DAY)
    await slack.press('job:extend', job.id)
    expect(inDays((await context.job(job.id)).expiresAt, context.now())).toBe(10)
    await slack.press('job:extend', job.id)
    expect(slack.answers.at(-1)).toMatch(/^It's already kept as long as possible: until <!date\^/)
    expect((await context.kinds(job.id)).filter((kind) => kind === 'extended')).toHaveLength(1)
  })

  it('answers the question at the end: it goes on from now', async () => {
    policy({ defaultMs: DAY, atEnd: 'ask' })
    const job = await made(HOUR)
    context.pass(5 * DAY)
    await context.runUntilIdle()
    expect(await context.job(job.id)).toMatchObject({ expiryDueAt: null })
    await slack.press('job:extend', job.id)
    expect((await context.job(job.id)).expiresAt).toBe(context.now() + DAY)
  })
})

describe('/clone-app extend', () => {
  it.each([
    ['3d', 3],
    ['12h', 0.5],
    ['2 weeks', 14],
  ])('takes %s', async (typed, days) => {
    const job = await made(DAY)
    await slack.type(`extend ${job.id} ${typed}`)
    expect(inDays((await context.job(job.id)).expiresAt, job.expiresAt)).toBe(days)
  })

  it('removes the expiry only where nothing limits it', async () => {
    const job = await made(DAY)
    policy({ maxMs: 30 * DAY })
    await slack.type(`extend ${job.id} off`)
    expect(slack.answers.at(-1)).toBe('Clones on dummy-one always expire: they can be kept for at most 30 days.')
    policy({ maxMs: null })
    await slack.type(`extend ${job.id} off`)
    expect(slack.answers.at(-1)).toBe('copy-1 is kept with no expiry.')
    expect(await context.job(job.id)).toMatchObject({ expiresAt: null, expiryDueAt: null })
  })

  it('refuses what is no such time', async () => {
    const job = await made(DAY)
    for (const typed of ['soon', '30m', '91d']) {
      await slack.type(`extend ${job.id} ${typed}`)
      expect(slack.answers.at(-1)).toBe(
        `I can't extend it by "${typed}". Write a time from 1h to 90d, such as 12h or 3d, or off.`,
      )
    }
    await slack.type('extend')
    expect(slack.answers.at(-1)).toContain('Which job?')
    expect((await context.job(job.id)).expiresAt).toBe(job.expiresAt)
  })

  it('says why there is nothing to extend', async () => {
    const running = await context.ask()
    await slack.type(`extend ${running.id}`)
    expect(slack.answers.at(-1)).toContain("hasn't ended, so nothing expires yet")
    const forever = await made(null)
    await slack.type(`extend ${forever.id}`)
    expect(slack.answers.at(-1)).toContain('has no expiry')
    const job = await made(DAY)
    await context.db.updateTable('jobs').set({ removalJob: 'aaaaa' }).where('id', '=', job.id).execute()
    await slack.type(`extend ${job.id}`)
    expect(slack.answers.at(-1)).toContain('is being deleted')
    await context.db.updateTable('jobs').set({ removedAt: context.now() }).where('id', '=', job.id).execute()
    await slack.type(`extend ${job.id}`)
    expect(slack.answers.at(-1)).toContain('was deleted <!date^')
  })

  it('needs the right to extend for what others asked for', async () => {
    const job = await made(DAY)
    access.rules = [{ who: ['members'], may: ['clone', 'delete'], on: ['*'], target: ['*'] }]
    await slack.type(`extend ${job.id}`, { user: 'U2' })
    expect(slack.answers.at(-1)).toBe(`You can't extend job ${job.id}. Ask #platform for access.`)
    await slack.type(`extend ${job.id}`)
    expect(inDays((await context.job(job.id)).expiresAt, job.expiresAt)).toBe(1)
  })
})

it('two clicks at the same time extend it twice, one after the other, and lose nothing', async () => {
  policy({ defaultMs: DAY })
  const job = await made(2 * DAY)
  await Promise.all([slack.press('job:extend', job.id), slack.press('job:extend', job.id, { user: 'U2' })])
  const days = inDays((await context.job(job.id)).expiresAt, job.expiresAt)
  expect((await context.kinds(job.id)).filter((kind) => kind === 'extended')).toHaveLength(days)
})
