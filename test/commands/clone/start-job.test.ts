/** What the form says when a job was started, which depends on where its thread begins. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { viewProblems } from '../../../sandbox/slack/checks.js'
import { afterStart } from '../../../src/commands/clone/start-job.js'
import { readThread } from '../../../src/store/messages.js'
import { type TestContext, testContext } from '../../helpers/context.js'

describe('the form of a job that was started', () => {
  let context: TestContext
  beforeEach(async () => {
    context = await testContext()
  })
  afterEach(async () => await context.db.destroy())

  /** What is shown to somebody in #C1 whose thread was asked to be in this channel, and was begun there or elsewhere. */
  async function shown(channel: string, root: { channel?: string; ts?: string }, askedIn: string | null) {
    const job = await context.ask({ channel, askedIn })
    // As the sender does, in the meantime.
    if (root.channel !== undefined)
      await context.db.updateTable('messages').set(root).where('jobId', '=', job.id).execute()
    const waitForThread = async (jobId: string) => await readThread(context.db, jobId)
    const answer = await afterStart({ waitForThread, workspaceUrl: () => 'https://woolworks.slack.com/' }, job, 1_000)
    if (answer.response_action !== 'update') return answer.response_action
    expect(viewProblems(answer.view)).toEqual([])
    expect(answer.view).toMatchObject({ clear_on_close: true })
    return JSON.stringify(answer.view.blocks).replaceAll(job.id, 'k7f3q')
  }

  it('closes where the thread is before the person, or nobody knows where they are', async () => {
    expect(await shown('C1', { channel: 'C1', ts: '1.5' }, 'C1')).toBe('clear')
    expect(await shown('C1', {}, 'C1')).toBe('clear')
    expect(await shown('C2', { channel: 'C2', ts: '1.5' }, null)).toBe('clear')
  })

  it('closes although the database cannot be read by then: nothing is wrong with the job', async () => {
    const job = await context.ask({ askedIn: 'C1' })
    const waitForThread = async () => await Promise.reject(new Error('the database is gone'))
    const answer = await afterStart({ waitForThread, workspaceUrl: () => '' }, job, 1_000)
    expect(answer).toEqual({ response_action: 'clear' })
  })

  it('says so where the thread is in another channel, with the way to it once it stands', async () => {
    expect(await shown('C2', { channel: 'C2', ts: '1.5' }, 'C1')).toContain(
      'Job `k7f3q` is on its way: <https://woolworks.slack.com/archives/C2/p15|its thread> is in <#C2>.',
    )
    expect(await shown('C2', {}, 'C1')).toContain('Job `k7f3q` is on its way: its thread will be in <#C2>.')
  })

  it('does not blame a channel where a direct message was asked for', async () => {
    const words = await shown('D7', { channel: 'D7', ts: '1.5' }, 'C1')
    expect(words).toContain('its thread> is in a direct message.')
    expect(words).not.toContain('cannot')
  })

  it('says so where Dolly may not post and the thread became a direct message', async () => {
    expect(await shown('C1', { channel: 'D1', ts: '1.5' }, 'C1')).toContain(
      "<https://woolworks.slack.com/archives/D1/p15|its thread> is in a direct message. I can't post where you asked me to.",
    )
    expect(await shown('C1', { channel: 'U1' }, 'C1')).toContain('its thread will be in a direct message.')
  })
})
