/** A workspace that doesn't have plan blocks yet: it gets the steps as lines, and is asked once. */
import { WebAPIPlatformError } from '@slack/web-api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Chat } from '../../../src/slack/delivery/requests.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { notifierOf } from '../../helpers/sender.js'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(async () => await context.db.destroy())

/** A Slack that keeps the types of the blocks it was sent, and refuses some of them. */
function slackWithout(...refused: readonly string[]) {
  const calls: { method: 'post' | 'edit'; types: string[]; isTaken: boolean }[] = []
  const take = (method: 'post' | 'edit', blocks: readonly { type: string }[] = []) => {
    const types = blocks.map(({ type }) => type)
    const isTaken = !types.some((type) => refused.includes(type))
    calls.push({ method, types, isTaken })
    if (!isTaken) throw new WebAPIPlatformError({ ok: false, error: 'invalid_blocks' })
  }
  const chat: Chat = {
    postMessage: async ({ channel, thread_ts, blocks }) => {
      take('post', blocks)
      return { channel, ts: `${calls.length}.0`, message: thread_ts === undefined ? {} : { thread_ts } }
    },
    update: async ({ blocks }) => take('edit', blocks),
  }
  return { chat, calls, plans: () => calls.filter(({ types }) => types.includes('plan')) }
}

async function liveTwoJobs(slack: ReturnType<typeof slackWithout>): Promise<void> {
  const { notifyFor } = notifierOf(context, slack.chat)
  await context.ask()
  await context.ask({ channel: 'C2' })
  await notifyFor(2_000)
  await context.runUntilIdle()
  await notifyFor(2_000)
}

it('a workspace without plans is tried once, and then gets lines in posts and edits', async () => {
  const slack = slackWithout('plan')
  await liveTwoJobs(slack)
  expect(slack.plans()).toEqual([expect.objectContaining({ method: 'post', isTaken: false })])
  const taken = slack.calls.filter(({ isTaken }) => isTaken)
  expect(taken.map(({ method }) => method).sort()).toEqual(['edit', 'edit', 'post', 'post'])
  for (const { types } of taken) expect(types).toEqual(['section', 'section', 'context', 'actions'])
})

it('a workspace with plans gets one in each message of a running job', async () => {
  const slack = slackWithout()
  await liveTwoJobs(slack)
  expect(slack.calls).toHaveLength(4)
  expect(slack.plans()).toHaveLength(4)
})

it('plans are not blamed for what is refused without them too', async () => {
  const slack = slackWithout('plan', 'actions')
  await liveTwoJobs(slack)
  expect(slack.plans().length).toBeGreaterThan(1)
  expect(slack.calls.filter(({ isTaken }) => isTaken).map(({ types }) => types)).toEqual([[], [], [], []])
})
