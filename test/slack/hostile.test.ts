/** Every renderer of ours, fed with hostile text: Slack takes what comes out, and it says nothing that we did not say. */

import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { OptionsAnswer } from '../../sandbox/slack/block-kit.js'
import { messageProblems, viewProblems } from '../../sandbox/slack/checks.js'
import { parseCommand } from '../../src/commands/clone/command.js'
import { answerSubmission } from '../../src/commands/clone/form-submit.js'
import { helpText } from '../../src/commands/clone/help.js'
import { holderView } from '../../src/commands/clone/start-job.js'
import { Validator } from '../../src/commands/clone/validate.js'
import { PickerLists } from '../../src/commands/picker-lists.js'
import type { Services } from '../../src/commands/services.js'
import { errorAnswer } from '../../src/commands/slash-command.js'
import { type EventKind, FINAL_STATES, type Job, LIVE_STATES, type State } from '../../src/domain/job.js'
import { UserError } from '../../src/errors.js'
import { seenInMemory } from '../../src/lib/seen.js'
import { plainText } from '../../src/lib/text.js'
import { defineOperation } from '../../src/providers/provider.js'
import { type Directory, People } from '../../src/slack/api/people.js'
import { fieldErrors } from '../../src/slack/form/answers.js'
import { lastPageView } from '../../src/slack/form/last-page.js'
import { searchOptions } from '../../src/slack/form/options.js'
import type { FormState } from '../../src/slack/form/state.js'
import { choiceView, formView, noticeView } from '../../src/slack/form/view.js'
import { type JobView, type Message, rootMessage } from '../../src/slack/message/job.js'
import { replyMessage } from '../../src/slack/message/reply.js'
import { mrkdwn } from '../../src/slack/text.js'
import { openDatabase } from '../../src/store/database.js'
import { silentLog } from '../helpers/context.js'
import { dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'
import { hostile } from '../helpers/hostile.js'
import { jobIn, start } from '../helpers/job.js'

const seeds = Array.from({ length: 100 }, (_, at) => at + 1)
const states: State[] = [...LIVE_STATES, ...FINAL_STATES]
const kinds: EventKind[] = [
  ...(['queued', 'step_started', 'step_accepted', 'postponed', 'answer_lost', 'found', 'absent', 'uncertain'] as const),
  ...(['progress', 'unreachable', 'reachable', 'step_done', 'succeeded', 'failed', 'timed_out'] as const),
  ...(['checked_again', 'started_over', 'cancelled', 'unsettled', 'reminder', 'stranded'] as const),
  ...(['approval_given', 'approved', 'denied', 'expired', 'expiry_near', 'expiry_reached', 'extended'] as const),
]

/** Where foreign text comes from: a hostile seed, or the harmless one that says "x" wherever the other says something. */
interface Source {
  text(): string
  address(): string
}
const isVisible = (text: string) => /[\p{L}\p{N}\p{P}\p{S}\p{Surrogate}]/u.test(text)

function pair(seed: number): { evil: Source; harmless: Source } {
  const [one, other] = [hostile(seed), hostile(seed)]
  const blandly = (text: string) => (isVisible(text) ? 'x' : text && ' ')
  return { evil: one, harmless: { text: () => blandly(other.text()), address: () => other.address() } }
}

/** What Slack would act on in a mrkdwn text: brackets, formatting that can open or close, emoji, quotes, line breaks. */
function marks(text: string): string[] {
  const active =
    /<[^<>]*>?|>|```|[`*~]|(?<![a-z0-9_])_+|_+(?![a-z0-9_])|:[\p{L}\p{N}_+'-]+:|(?<=^|\n)&gt;|&(?!amp;|lt;|gt;)|\n/giu
  return text.match(active) ?? []
}

/** Every text a person would see, with how Slack reads it. Values, ids and memories are data and not shown. */
function shown(rendered: unknown): { how: string; text: string }[] {
  if (Array.isArray(rendered)) return rendered.flatMap(shown)
  if (typeof rendered !== 'object' || rendered === null) return []
  const { type, text, verbatim, emoji, ...rest } = rendered as Record<string, unknown>
  if (typeof text === 'string') {
    if (type === 'mrkdwn') return [{ how: verbatim === true ? 'mrkdwn' : 'mrkdwn that links by itself', text }]
    // The text of rich text, in which nothing is read as a mark.
    if (type === 'text') return [{ how: 'plain', text }]
    if (type === 'plain_text') return [{ how: emoji === false ? 'plain' : 'plain with emoji', text }]
    return [{ how: 'mrkdwn', text }, ...shown(Object.values(rest))]
  }
  return shown([text, ...Object.values(rest)])
}

/** The two say the same but for the foreign words, in texts that are what they seem. */
function expectHarmless(rendered: unknown, reference: unknown): void {
  const [texts, harmless] = [shown(rendered), shown(reference)]
  const ofKind = (all: typeof texts, how: string) => all.filter((one) => one.how === how)
  expect(ofKind(texts, 'mrkdwn that links by itself')).toEqual([])
  expect(ofKind(texts, 'mrkdwn').flatMap(({ text }) => marks(text))).toEqual(
    ofKind(harmless, 'mrkdwn').flatMap(({ text }) => marks(text)),
  )
  // Emoji codes live in our own plain texts only.
  expect(ofKind(texts, 'plain with emoji')).toEqual(ofKind(harmless, 'plain with emoji'))
  const all = texts.map(({ text }) => text).join('\n')
  expect(all).not.toMatch(/\p{Surrogate}|\p{Bidi_Control}|(?!\n)\p{Cc}|\p{Zl}|\p{Zp}|[\u200b\u2060\ufeff\u00ad]/u)
  for (const { text } of texts) expect(text.trim()).not.toBe('')
  for (const [, url = ''] of JSON.stringify(rendered).matchAll(/"url":"((?:[^"\\]|\\.)*)"/g)) {
    expect(url.length).toBeLessThanOrEqual(3_000)
    expect(new URL(url)).toMatchObject({ protocol: expect.stringMatching(/^https?:$/), username: '', password: '' })
  }
}

function expectMessage({ plainBlocks, ...message }: Message, reference: Message): void {
  expect(messageProblems(message.blocks)).toEqual([])
  expect(messageProblems(plainBlocks ?? message.blocks)).toEqual([])
  expectHarmless(plainBlocks ?? [], reference.plainBlocks ?? [])
  expect(message.text.length).toBeLessThanOrEqual(4_000)
  expectHarmless(message, { ...reference, plainBlocks: [] })
}

function expectView(view: unknown, reference: unknown): void {
  expect(viewProblems(view)).toEqual([])
  expectHarmless(view, reference)
}

function storyFrom({ text, address }: Source, state: State): JobView {
  const rest: Partial<Job> = {
    source: text(),
    target: text(),
    detail: text() || null,
    connection: text(),
    url: address(),
    consoleUrl: address(),
    approval: { by: ['U2', 'S3'], count: 1, expiresAt: start, copied: text(), notCopied: text(), warning: text() },
  }
  return {
    job: jobIn(state, rest),
    thread: { channel: 'D1', ts: '1.1' },
    title: 'Copy a container',
    provider: text(),
    steps: new Map([
      ['copy', { title: text() || 'Copy', doing: text() || 'Copying' }],
      ['start', { title: 'Start', doing: 'Starting' }],
    ]),
    typicalMs: 60_000,
    now: start,
  }
}

describe('hostile text', () => {
  it.each(states)('does nothing in the root message of a job that is %s', (state) => {
    for (const seed of seeds) {
      const { evil, harmless } = pair(seed)
      expectMessage(rootMessage(storyFrom(evil, state)), rootMessage(storyFrom(harmless, state)))
    }
  })

  it.each(kinds)('does nothing in the reply about %s', (kind) => {
    for (const seed of seeds) {
      const { evil, harmless } = pair(seed)
      const reply = ({ text, address }: Source) => {
        const event = { jobId: 'k7f3q', seq: 1, kind, at: start, step: 'copy', detail: text() || null, actor: 'U2' }
        return replyMessage(storyFrom({ text, address }, 'working'), event)
      }
      const [message, reference] = [reply(evil), reply(harmless)]
      expect(message === null).toBe(reference === null)
      if (message && reference) expectMessage(message, reference)
    }
  })

  it('does nothing in a form, whether it was typed, chosen, or the reason why there is no list', () => {
    for (const seed of seeds) {
      const { evil, harmless } = pair(seed)
      const view = ({ text }: Source) => {
        const state: FormState = {
          connection: 'hoody-prod',
          operation: 'copy',
          values: { app: text(), name: text(), count: text(), note: text(), list: text(), child: text() },
          labels: { app: text(), child: text() },
          remarks: { app: text(), list: text() },
          typed: { ...(seed % 2 ? { list: text() } : {}), ...(seed % 3 ? { child: text() } : {}) },
          suggested: { name: text() },
          notes: { list: text() },
          channel: 'C1',
          opening: 'o1',
        }
        return formView(form, state, text() || 'x')
      }
      expectView(view(evil), view(harmless))
    }
  })

  it('does nothing on the other pages', () => {
    for (const seed of seeds) {
      const { evil, harmless } = pair(seed)
      const pages = ({ text }: Source) => {
        const preview = { copied: text(), notCopied: text(), warning: text() || 'Mind.' }
        // Names that don't fit into the headline stand below it as well.
        const lastPage = (summary: { from: string; to: string }) => {
          const operation = { ...form, summary: () => summary, preview: () => preview }
          return lastPageView({ connection, operation }, {}, {}, 'draft', { isChecked: true, warnings: [] })
        }
        const connection = { name: text(), provider: { name: text() } }
        const operations = [{ id: 'copy', title: text() }]
        return [
          lastPage({ from: text().slice(0, 60), to: text().slice(0, 60) }),
          lastPage({ from: `${text()}${'x'.repeat(150)}`, to: text() }),
          noticeView('Someone was first', mrkdwn(text())),
          choiceView([{ connection: text(), provider: text(), operations }], {
            channel: 'C1',
            opening: 'o1',
            // A command that says more is refused before.
            values: { name: text().slice(0, 400) },
          }),
        ]
      }
      const references = pages(harmless)
      for (const [at, page] of pages(evil).entries()) expectView(page, references[at])
    }
  })

  it('does nothing in a list, and a value that Slack would not carry back is left out', () => {
    for (const seed of seeds) {
      const { evil, harmless } = pair(seed)
      const list = ({ text }: Source) => {
        const options = Array.from({ length: 20 }, (_, at) => ({
          value: at % 2 ? `id-${at}` : text(),
          label: text(),
          description: text(),
        }))
        return { options: searchOptions(options, '') }
      }
      const answer = list(evil)
      expect(OptionsAnswer.safeParse(answer).error).toBeUndefined()
      expect(JSON.stringify(answer)).not.toMatch(/\\ud[89a-f]/)
      expectHarmless(answer, { options: [] })
      expect(shown(list(harmless)).length).toBeGreaterThan(0)
    }
  })

  it('does nothing in errors beside fields', async () => {
    for (const seed of seeds) {
      const text = hostile(seed).text()
      const { error } = z.object({ name: z.string().refine(() => false, text) }).safeParse({ name: '' })
      if (!error) throw new Error('It should not parse.')
      const answer = await answerSubmission(await services(), async () => {
        throw new UserError(text, { field: 'name' })
      })
      const errors = [fieldErrors(error, { name: '' }), 'errors' in answer ? answer.errors : {}]
      for (const [sentence = ''] of errors.map((one) => Object.values(one ?? {}))) {
        expect(sentence.length).toBeGreaterThan(0)
        expect(sentence.length).toBeLessThanOrEqual(300)
        expect(sentence).not.toMatch(/\p{Surrogate}|\p{Bidi_Control}|\p{Cc}/u)
      }
    }
  })

  it('does nothing in the answers that one person alone sees', async () => {
    const known = await services()
    const refusal = (typed: string) => {
      try {
        parseCommand(typed, known.connections)
        return ''
      } catch (error) {
        return errorAnswer(known, error)
      }
    }
    for (const seed of seeds) {
      const { evil, harmless } = pair(seed)
      for (const command of ['', 'dummy-one ', 'dummy-one clone ', 'dummy-one clone name=a ']) {
        // The line to type instead is code, and where there is one depends on what was typed.
        const texts = (source: Source) => {
          const [sentence, ...lines] = (refusal(`${command}${source.text()}`) || 'x').split('\n')
          for (const line of lines) expect(line).toMatch(/^`\/clone-app[^`\n]*`$/)
          return { text: sentence }
        }
        const [text, reference] = [texts(evil), texts(harmless)]
        expectHarmless(text, { text: reference.text })
        expect(text.text?.length).toBeLessThanOrEqual(4_000)
      }
      const broke = (source: Source) => ({ text: errorAnswer(known, new UserError(`hoody-prod: ${source.text()}`)) })
      expectHarmless(broke(evil), broke(harmless))
      const told = ({ text }: Source) => holderView(known, jobIn('working', { target: text() || 'x' }), 'U2')
      expectView(await told(evil), await told(harmless))
      const failed = async ({ text }: Source) => {
        const answer = await answerSubmission(known, async () => {
          throw new UserError(text())
        })
        return 'view' in answer ? answer.view : null
      }
      expectView(await failed(evil), await failed(harmless))
    }
  })

  it('does nothing in the help', async () => {
    for (const seed of seeds.slice(0, 50)) {
      const { evil, harmless } = pair(seed)
      const help = ({ text }: Source) => {
        const connection = dummyConnection(dummyWorld())
        const provider = {
          ...connection.provider,
          name: text() || 'x',
          operations: { clone: { ...form, title: text() } },
        }
        return { text: helpText([{ ...connection, provider }]) }
      }
      expectHarmless(help(evil), help(harmless))
    }
  })
})

describe('what is made of other people’s text', () => {
  it.each([
    ['shop_api_v2 at 12:30 h', 'shop_api_v2 at 12:30 h'],
    ['https://live.example', 'https://live.example'],
    ['half :x', 'half ∶x'],
    ['__init__ *x* ~y~ `z`', 'ˍˍinitˍˍ ∗x∗ ∼y∼ ˋzˋ'],
    [':x: Failed', '∶x: Failed'],
    ['::x:y: 12:30:45', '∶∶x∶y: 12∶30∶45'],
    ['> a > b', '› a &gt; b'],
    ['<!channel> & co', '&lt;!channel&gt; &amp; co'],
    ['a\u202eb\u200bc\n\u0000d', 'a bc d'],
    ['\ud83d', '\ufffd'],
    [' \u200b\u200d ', ''],
  ])('%j reads %j', (text, read) => {
    expect(mrkdwn(text)).toBe(read)
  })

  it('is cut before it is escaped, and never inside a character', () => {
    expect(plainText('🐑'.repeat(400))).toMatch(/^(🐑)+…$/u)
    expect(mrkdwn('&'.repeat(1_000))).toBe(`${'&amp;'.repeat(499)}…`)
  })
})

const text = z.string()
const form = defineOperation({
  title: 'Copy a container',
  fields: z.object({
    app: text.meta({ title: 'App', picker: 'apps' }),
    child: text.meta({ title: 'Child', picker: 'apps', dependsOn: ['app', 'list'] }),
    list: text.meta({ title: 'List', picker: 'apps' }),
    name: text.max(40).meta({ title: 'Name' }),
    count: z.int().default(1).meta({ title: 'Count' }),
    note: text.meta({ title: 'Note', multiline: true }),
    yes: z.boolean().default(false).meta({ title: 'Yes' }),
    size: z.enum(['small', 'large']).default('small').meta({ title: 'Size' }),
  }),
  ref: z.object({ id: text }),
  lock: () => '',
  summary: () => ({ from: '', to: '' }),
  preview: () => ({ copied: '', notCopied: '' }),
  copiesData: true,
  deadlineMs: 1,
  steps: [{ id: 'copy', title: 'Copy', doing: 'Copying', run: async () => ({ id: '' }), check: async () => [] }],
})

async function services(): Promise<Services> {
  const connection = dummyConnection(dummyWorld())
  database ??= await openDatabase(':memory:')
  return {
    db: database,
    connections: new Map([[connection.name, connection]]),
    lists: new PickerLists(() => 0, silentLog),
    validator: new Validator(silentLog),
    seenBefore: seenInMemory(() => 0),
    people: new People({ slack: nobody, team: async () => 'T1', groups: [], elapsed: () => 0, log: silentLog }),
    access: { rules: [], owner: '#platform' },
    wake: () => {},
    waitForThread: async () => null,
    now: () => start,
    elapsed: () => 0,
    showHome: async () => ({ hash: null }),
    describe: async () => {
      throw new Error('Nobody asks for this.')
    },
    workspaceUrl: () => 'https://woolworks.slack.com/',
    log: silentLog,
  }
}
let database: Services['db'] | undefined
const nobody: Directory = { users: { info: async () => ({}) }, usergroups: { users: { list: async () => ({}) } } }
