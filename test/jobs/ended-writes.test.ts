/** Writes that have ended by the time they are answered or found, and what `find` is told about a missing answer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TemporaryError } from '../../src/errors.js'
import { type TestContext, testContext } from '../helpers/context.js'

const LOST = { mayHaveHappened: true }

describe('a write that has already ended', () => {
  let context: TestContext
  beforeEach(async () => {
    context = await testContext()
  })
  afterEach(async () => await context.db.destroy())

  /** Loses the answer of the next write, which the provider carries out, and reconciles it. */
  async function loseAnswer(details: { status?: number } = {}) {
    context.world.mood = { throws: new TemporaryError('Lost.', { ...LOST, ...details }), carriesOut: true }
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    return id
  }

  it('ends the job without a poll and without an "accepted"', async () => {
    context.world.ended = { ended: 'done', detail: 'copied', url: 'https://copy.example' }
    const { id } = await context.ask()
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({
      ...{ state: 'succeeded', detail: 'copied', url: 'https://copy.example', ref: { id: 'clone-1' } },
      ...{ dueAt: null, endedAt: context.now() },
    })
    expect(context.world.polls).toBe(0)
    expect(await context.kinds(id)).toEqual(['queued', 'step_started', 'succeeded'])
  })

  it('goes on to the next step at once', async () => {
    context.world.ended = { ended: 'done' }
    const { id } = await context.ask({ params: { name: 'copy', deploy: true } })
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'succeeded', step: 'deploy', ref: { id: 'deploy-2' } })
    expect(context.world.made.map(({ step }) => step)).toEqual(['clone', 'deploy'])
    expect(await context.kinds(id)).toEqual(['queued', 'step_started', 'step_done', 'step_started', 'succeeded'])
  })

  it('ends the job with the reason when it failed, and keeps what was made', async () => {
    context.world.ended = { ended: 'failed', detail: 'no room for https://wool:s3cret@git.example/shop.git' }
    const { id } = await context.ask({ params: { name: 'copy', deploy: true } })
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({
      ...{ state: 'failed', step: 'clone', ref: { id: 'clone-1' } },
      detail: 'no room for https://••••@git.example/shop.git',
    })
    expect(context.world.writes).toBe(1)
  })

  it('ends the job in the same way when it is found after its answer was lost', async () => {
    context.world.ended = { ended: 'done', detail: 'copied' }
    const id = await loseAnswer()
    expect(await context.job(id)).toMatchObject({ state: 'succeeded', detail: 'copied', ref: { id: 'clone-1' } })
    expect([context.world.polls, context.world.writes]).toEqual([0, 1])
    expect(await context.kinds(id)).toEqual(['queued', 'step_started', 'answer_lost', 'succeeded'])
  })

  it('is never adopted when it is incomplete: the thread says that it is there and can be deleted', async () => {
    context.world.ended = { ended: 'incomplete', detail: 'Its variables may be missing.', url: 'https://copy.example' }
    const id = await loseAnswer({ status: 502 })
    expect(await context.job(id)).toMatchObject({
      ...{ state: 'failed', ref: { id: 'clone-1' }, url: 'https://copy.example' },
      detail: "It was made, but it's incomplete. Its variables may be missing. You can delete it.",
    })
    expect([context.world.polls, context.world.writes]).toEqual([0, 1])
  })

  it.each([
    { answer: 'a 5xx', details: { status: 502 }, lost: { status: 502 } },
    { answer: 'a broken connection', details: {}, lost: {} },
  ])('tells the search that its answer was lost to $answer', async ({ details, lost }) => {
    await loseAnswer(details)
    expect(context.world.lost).toEqual(lost)
  })

  it('gives the search no reason where Dolly itself was stopped during the write', async () => {
    const id = await loseAnswer({ status: 502 })
    await context.db
      .updateTable('jobs')
      .set({ state: 'starting', lostStatus: null, dueAt: context.now() })
      .where('id', '=', id)
      .execute()
    await context.runUntilIdle()
    expect(context.world.lost).toBeUndefined()
  })

  it('clears why an earlier try was lost when it is tried again', async () => {
    context.world.mood = { throws: new TemporaryError('Lost.', { ...LOST, status: 503 }), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    expect((await context.job(id)).lostStatus).toBe(503)
    context.pass(4_000)
    await context.runUntilIdle()
    context.pass(10_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', attempt: 2, lostStatus: null })
  })
})
