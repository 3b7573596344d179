/** /clone-app history: what each person may see of it, page by page and as a table. */
import type { KnownBlock } from '@slack/types'
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { messageProblems } from '../../../sandbox/slack/checks.js'
import type { Rule } from '../../../src/access/rules.js'
import { historyVerb, registerHistoryPages } from '../../../src/commands/history/history.js'
import type { Services } from '../../../src/commands/services.js'
import type { CommandRequest } from '../../../src/commands/verb.js'
import { clientOptions } from '../../../src/slack/api/client.js'
import { historyActions, historyCsv } from '../../../src/slack/message/history.js'
import type { Message } from '../../../src/slack/message/job.js'
import type { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { recordAct } from '../../../src/store/audit.js'
import { testBoltApp, testServices } from '../../helpers/bolt-app.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { quietLogger } from '../../helpers/slack-request.js'

const everyone: Rule = { who: ['members'], may: ['*'], on: ['*'], target: ['*'] }

let context: TestContext
let services: Services
let app: BoltApp
let rules: Rule[]
/** What was sent to Slack, by the end of its address. */
let sent: { to: string; body: string }[]
let slackSays: (to: string) => object
/** What the response URL got. */
let answers: { text: string; blocks: KnownBlock[]; replace_original: boolean; response_type: string }[]

beforeEach(async () => {
  context = await testContext()
  rules = [everyone]
  sent = []
  answers = []
  slackSays = () => ({ ok: false, error: 'missing_scope' })
  const fetchOf: typeof fetch = async (input, init) => {
    const to = String(input instanceof Request ? input.url : input)
    if (to.includes('/response')) {
      answers.push(JSON.parse(String(init?.body)))
      return new Response('ok')
    }
    sent.push({ to: to.replace('http://slack.example/api/', ''), body: await new Response(init?.body).text() })
    return Response.json(slackSays(to))
  }
  app = testBoltApp(fetchOf)
  client = new WebClient('xoxb-1', { ...clientOptions('http://slack.example/api/', quietLogger), fetch: fetchOf })
  services = testServices(context, { access: { owner: '#platform', rules } })
  registerHistoryPages(app, services)
})
afterEach(() => context.db.destroy())

let client: WebClient

async function history(
  values: Record<string, string> = {},
  { words = [], id = 'U1' }: { words?: string[]; id?: string } = {},
): Promise<Message> {
  const asker = { id, membership: 'member' as const, groups: [], channel: 'C1' }
  const rest = { client, text: '', triggerId: '', channel: 'C1' }
  const request: CommandRequest = { services, asker, words, values, ...rest }
  const answer = await historyVerb.run(request)
  if (answer !== null && typeof answer === 'object') expect(messageProblems(answer.blocks)).toEqual([])
  return typeof answer === 'string' ? { text: answer, blocks: [] } : (answer ?? { text: '', blocks: [] })
}

/** The jobs of a page, in its order. */
const jobsOn = ({ text }: { text: string }) => [...text.matchAll(/job `(\w+)`/g)].map(([, id]) => id)

function buttonsOf({ blocks }: Pick<Message, 'blocks'>) {
  const elements = blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []))
  return elements.flatMap((one) => (one.type === 'button' ? [{ text: one.text.text, value: one.value ?? '' }] : []))
}

async function press(value: string, user = 'U1'): Promise<void> {
  const action = { type: 'button', action_id: historyActions.older, block_id: 'history', value }
  const place = { container: { type: 'message' }, channel: { id: 'C1' }, team: { id: 'T1' } }
  const person = { user: { id: user, team_id: 'T1' } }
  const body = {
    type: 'block_actions',
    actions: [action],
    response_url: 'http://slack.example/response',
    ...place,
    ...person,
  }
  await app.processEvent({ body, ack: async () => {} })
}

async function askTimes(count: number, requester = 'U1') {
  for (let at = 0; at < count; at += 1) {
    await context.ask({ requester, askedIn: 'C1' })
    context.pass(1_000)
  }
}

describe('a page', () => {
  it('says who did what, when, where, with which answers and which request', async () => {
    await context.ask({ requester: 'U1', askedIn: 'C1' })
    const { text } = await history()
    expect(text).toMatch(
      /^History, newest first:\n<!date\^1767225600\^\{date_short_pretty\} \{time\}\|2026-01-01 00:00 UTC> · \*Asked for\* · by <@U1> · job `\w{5}` · in <#C1>\nshop-api → copy-1 · clone on dummy-one · name: copy$/,
    )
  })

  it('names what was picked as people saw it, and leaves out what was left out; a table has all of it', async () => {
    const params = {
      container: '507f1f77',
      snapshots: [],
      parts: ['b1', 'b2'],
      size: 's-1vcpu',
      deploy: true,
      empty: '',
    }
    await context.ask({ params, labels: { container: 'shop-api', 'container.place': 'staging', size: 'Small' } })
    const { text } = await history()
    expect(text.split(' · ').at(-1)).toBe('container: shop-api, parts: b1, b2, size: Small, deploy: yes')
    const rows = await context.db.selectFrom('audit').selectAll().execute()
    expect(historyCsv(rows)).toMatch(/507f1f77.*snapshots.*shop-api/)
  })

  it('escapes what others wrote', async () => {
    await context.ask({ target: '<!channel> *bold*', params: { name: '<@U9>' } })
    const { text, blocks } = await history()
    for (const words of [text, JSON.stringify(blocks)]) {
      expect(words).not.toContain('<!channel>')
      expect(words).not.toContain('<@U9>')
      expect(words).not.toContain('*bold*')
    }
  })

  it('is empty without anything', async () => {
    expect((await history()).text).toBe('History, newest first: nothing.')
    expect((await history({ job: 'abcde' })).text).toBe('History of job abcde, newest first: nothing.')
  })

  it('shows acts that are no job of anybody', async () => {
    await context.db
      .transaction()
      .execute((change) =>
        recordAct(change, { action: 'preset_saved', actor: 'U1', details: { answers: { preset: 'x' } } }, 1),
      )
    expect((await history()).text).toContain('*Preset saved* · by <@U1>\npreset: x')
  })

  it('has ten entries, and buttons turn to the others without a shift', async () => {
    await askTimes(23)
    const first = await history()
    const all = (await context.db.selectFrom('jobs').select('id').orderBy('createdAt', 'desc').execute()).map(
      ({ id }) => id,
    )
    expect(jobsOn(first)).toEqual(all.slice(0, 10))
    expect(buttonsOf(first).map(({ text }) => text)).toEqual(['Next'])
    context.pass(1)
    await askTimes(3)
    await press(buttonsOf(first)[0]?.value ?? '')
    const [second] = answers
    expect(second).toMatchObject({ replace_original: true, response_type: 'ephemeral' })
    if (!second) throw new Error('There is no second page.')
    expect(jobsOn(second)).toEqual(all.slice(10, 20))
    expect(buttonsOf(second).map(({ text }) => text)).toEqual(['Previous', 'Next'])
    await press(buttonsOf(second)[1]?.value ?? '')
    const third = answers[1]
    if (!third) throw new Error('There is no third page.')
    expect(jobsOn(third)).toEqual(all.slice(20))
    expect(buttonsOf(third).map(({ text }) => text)).toEqual(['Previous'])
  })

  it('takes a person, a job, a connection and an age', async () => {
    await askTimes(1, 'U2')
    context.pass(2 * 24 * 60 * 60_000)
    await askTimes(1, 'U1')
    const [old, young] = (await context.db.selectFrom('jobs').select('id').orderBy('createdAt').execute()).map(
      ({ id }) => id,
    )
    expect(jobsOn(await history({ person: '@U2' }))).toEqual([old])
    expect(jobsOn(await history({ person: 'me' }))).toEqual([young])
    expect(jobsOn(await history({ job: old?.toUpperCase() ?? '' }))).toEqual([old])
    expect(jobsOn(await history({}, { words: [young ?? ''] }))).toEqual([young])
    expect(jobsOn(await history({ Since: '1d' }))).toEqual([young])
    expect(jobsOn(await history({ since: '2026-01-02' }))).toEqual([young])
    expect(jobsOn(await history({ connection: 'dummy-one' }))).toEqual([young, old])
    expect(jobsOn(await history({ connection: 'gone' }))).toEqual([])
  })

  it.each([
    [{ person: '@ann' }, `I can't tell who "@ann" is`],
    [{ since: 'yesterday' }, `I can't read "since=yesterday"`],
    [{ conection: 'x' }, `I don't understand "conection". Type:`],
    [{ job: 'not a job' }, `I don't understand "not a job"`],
    [{ connection: 'no such thing!' }, `There's no connection "no such thing!"`],
  ])('refuses %j with a sentence', async (values, sentence) => {
    await expect(history(values)).rejects.toThrow(sentence)
  })
})

describe('who may see it', () => {
  it('everybody sees what they did and what came of their own jobs, and nothing else without a rule', async () => {
    rules.splice(0, 1, { ...everyone, may: ['clone'] })
    await askTimes(2, 'U1')
    await askTimes(2, 'U2')
    const mine = await history()
    expect(jobsOn(mine)).toHaveLength(2)
    expect(mine.text).not.toContain('U2')
    await expect(history({ person: 'U2' })).rejects.toThrow(
      "You can't see other people's history. Ask #platform for access.",
    )
  })

  it('a rule for a target shows the rows of that target alone', async () => {
    rules.splice(0, 1, { ...everyone, may: ['history'], target: ['* in staging'] })
    await context.ask({ requester: 'U2', target: 'shop in staging' })
    await context.ask({ requester: 'U2', target: 'shop in production' })
    const { text } = await history()
    expect(text).toContain('shop in staging')
    expect(text).not.toContain('production')
  })

  it('a button is checked again, whatever it carries', async () => {
    await askTimes(12, 'U2')
    const next = buttonsOf(await history())[0]?.value ?? ''
    rules.splice(0, 1, { ...everyone, may: ['clone'] })
    await press(next)
    expect(answers[0]?.text).toBe('History, newest first, page 2: nothing more.')
    await press(JSON.stringify({ page: 1, until: context.now(), person: 'U2' }))
    expect(answers[1]?.text).toContain("You can't see other people's history.")
    for (const broken of ['', '{}', '{"page":-1,"until":1}', '[]']) await press(broken)
    expect(answers.slice(2).map(({ text }) => text)).toEqual(
      Array.from({ length: 4 }, () => "I can't read this page any more. Type /clone-app history again."),
    )
  })
})

describe('the table', () => {
  it('goes to the person as a file, if the operator granted that', async () => {
    await askTimes(12)
    slackSays = (to) => {
      if (to.endsWith('conversations.open')) return { ok: true, channel: { id: 'D1' } }
      if (to.endsWith('getUploadURLExternal'))
        return { ok: true, upload_url: 'http://slack.example/upload', file_id: 'F1' }
      return { ok: true, files: [{ id: 'F1' }] }
    }
    expect((await history({}, { words: ['csv'] })).text).toBe(
      'I sent you dolly-history-2026-01-01.csv as a direct message (12 entries).',
    )
    const upload = sent.find(({ to }) => to.endsWith('/upload'))
    expect(upload?.body).toContain('"seq","at","action","actor","requester","jobId"')
    expect(upload?.body.match(/"queued"/g)).toHaveLength(12)
    expect(sent.find(({ to }) => to === 'files.completeUploadExternal')?.body).toContain('D1')
    expect(sent.some(({ to }) => to.startsWith('chat.'))).toBe(false)
  })

  it('is shown as far as it fits without that right, and nothing is posted', async () => {
    await askTimes(30)
    const { text, blocks } = await history({}, { words: ['csv'] })
    expect(text).toMatch(/^The first \d+ of 30 entries\. For all of it as a file, #platform must grant/)
    expect(JSON.stringify(blocks)).toContain('seq')
    expect(sent.map(({ to }) => to)).toEqual(['conversations.open'])
    for (const block of blocks)
      expect(z.object({ text: z.object({ text: z.string().max(3_000) }) }).safeParse(block).success).toBe(true)
  })

  it('keeps a cell from being run by a spreadsheet', async () => {
    await context.ask({ source: '=HYPERLINK("http://evil")', target: '@SUM(1)', params: { name: '-1' } })
    const { text } = await history({}, { words: ['csv'] })
    expect(text).toContain(`"'=HYPERLINK(""http://evil"")","'@SUM(1)"`)
  })

  it('says so when there is nothing to put into it', async () => {
    expect((await history({ job: 'abcde' }, { words: ['csv'] })).text).toBe("There's nothing to export.")
  })
})
