/** "Keep for", from the command over the form and the last page to the job. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { viewProblems } from '../../../sandbox/slack/checks.js'
import type { ExpiryPolicy } from '../../../src/domain/expiry.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { slackOf } from '../../helpers/person.js'

const DAY = 24 * 3_600_000

let context: TestContext
let slack: ReturnType<typeof slackOf>
beforeEach(async () => {
  context = await testContext()
  slack = slackOf(context)
})
afterEach(() => context.db.destroy())

function policy(expiry: Partial<ExpiryPolicy>): void {
  const [connection] = context.connections.values()
  if (connection) Object.assign(connection.expiry, expiry)
}

async function form(text: string) {
  await slack.type(text)
  const view = slack.opened.at(-1)
  if (!view) throw new Error(`No form was opened: ${slack.answers.at(-1)}`)
  expect(viewProblems(view)).toEqual([])
  return view
}

/** The answers of the form, with this choice of how long the clone is kept. */
function answers(keep?: string) {
  const chosen = { type: 'static_select', selected_option: { value: keep, text: { type: 'plain_text', text: 'x' } } }
  return {
    name: { a: { type: 'plain_text_input', value: 'copy' } },
    _channel: { a: { type: 'static_select', selected_option: { value: 'here', text: { text: 'Here' } } } },
    ...(keep !== undefined && { _keep: { keep: chosen } }),
  }
}

/** Submits both pages; returns the last page and the job. */
async function start(keep?: string) {
  const { view } = await slack.submit(await form('dummy-one clone'), { values: answers(keep) })
  if (!view) throw new Error('There is no last page.')
  await slack.submit(view)
  const [row] = await context.db.selectFrom('jobs').selectAll().execute()
  return { page: JSON.stringify(view), job: await context.job(row?.id ?? '') }
}

const chosen = (view: object) => /"initial_option":{[^{}]*{[^{}]*"text":"([^"]+)"[^{}]*}/.exec(keepBlock(view))?.[1]
const keepBlock = (view: object) => {
  const blocks = 'blocks' in view && Array.isArray(view.blocks) ? view.blocks : []
  return JSON.stringify(blocks.find(({ block_id }) => block_id === '_keep') ?? null)
}

describe('the form', () => {
  it('asks how long the clone is kept, with the operator’s answer', async () => {
    policy({ defaultMs: 7 * DAY, maxMs: 30 * DAY })
    expect(chosen(await form('dummy-one clone'))).toBe('7 days')
  })

  it('takes what was typed with the command', async () => {
    policy({ defaultMs: 7 * DAY, maxMs: 30 * DAY })
    expect(chosen(await form('dummy-one clone name=copy keep=3d'))).toBe('3 days')
    expect(chosen(await form('dummy-one clone Keep="5 days"'))).toBe('5 days')
  })

  it('does not open for a time that it can’t show', async () => {
    policy({ maxMs: 30 * DAY })
    await slack.type('dummy-one clone keep=60d')
    expect(slack.opened).toEqual([])
    expect(slack.answers.at(-1)).toContain('keep can\'t be "60d". Write a time from 1h to 30d')
  })

  it('does not ask where nothing could be deleted later', async () => {
    expect(keepBlock(await form('dummy-one blind'))).toBe('null')
    await slack.type('dummy-one blind keep=3d')
    expect(slack.answers.at(-1)).toContain('blind has no field "keep".')
  })
})

describe('the job', () => {
  it('keeps what it makes for as long as was chosen, and the last page says so', async () => {
    policy({ maxMs: 30 * DAY, atEnd: 'delete' })
    const { page, job } = await start('3d')
    expect(page).toContain('Deleted after 3 days, unless someone extends it.')
    expect(job.keepForMs).toBe(3 * DAY)
  })

  it('keeps it with no expiry where nobody wants one', async () => {
    const { page, job } = await start('none')
    expect(page).toContain('Kept until someone deletes it.')
    expect(job.keepForMs).toBeNull()
  })

  it('takes the operator’s default where the form did not ask', async () => {
    policy({ defaultMs: 7 * DAY, atEnd: 'ask' })
    const { page, job } = await start()
    expect(page).toContain("After 7 days I ask whether it's still needed.")
    expect(job.keepForMs).toBe(7 * DAY)
  })

  it('is not made with a time that the form does not offer', async () => {
    policy({ maxMs: 30 * DAY })
    for (const keep of ['none', '60d', '30m', 'soon']) {
      const answer = await slack.submit(await form('dummy-one clone'), { values: answers(keep) })
      expect(answer).toMatchObject({
        response_action: 'errors',
        errors: { _keep: "It can't be kept for that long. Choose another time." },
      })
    }
  })

  it('is opened again with the time that it had', async () => {
    const { job } = await start('3d')
    expect(chosen(await form(`again ${job.id}`))).toBe('3 days')
  })
})
