/** Commands and forms on Slack's bad days: what the person reads is true, and no choice is lost. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { registerFieldOptions } from '../../src/commands/clone/field-options.js'
import { registerSlashCommand } from '../../src/commands/slash-command.js'
import type { BoltApp } from '../../src/slack/transport/bolt-app.js'
import { testBoltApp, testServices } from '../helpers/bolt-app.js'
import { type TestContext, testContext } from '../helpers/context.js'

describe('on a bad day of Slack', () => {
  let context: TestContext
  let app: BoltApp
  let errors: unknown[]
  let forms: number
  /** What the person was answered. */
  let answers: string[]
  let openView: () => Response
  let answerUrl: () => Response

  beforeEach(async () => {
    context = await testContext()
    errors = []
    forms = 0
    answers = []
    openView = () => Response.json({ ok: true, view: { id: 'V1', hash: 'h' } })
    answerUrl = () => new Response('ok')
    context.log = { ...context.log, error: (fields) => void errors.push(fields) }
    const connection = context.connections.get('dummy-one')
    const { clone } = connection?.provider.operations ?? {}
    if (!connection || !clone) throw new Error('The dummy lost its operation.')
    const fields = z.object({
      app: z.string().meta({ title: 'App', picker: 'apps' }),
      part: z.string().meta({ title: 'Part', picker: 'parts', dependsOn: ['app'] }),
    })
    const provider = {
      ...connection.provider,
      operations: { clone: { ...clone, fields } },
      pickers: {
        apps: async () => [{ value: 'a1', label: 'shop' }],
        parts: async (_api: unknown, { app: of }: Readonly<Record<string, string>>) => [
          { value: 'p1', label: `part of ${of}` },
        ],
      },
    }
    const fetchOf = async (input: string | URL | Request, init?: RequestInit) => {
      if (String(input).includes('/response/')) {
        answers.push(z.object({ text: z.string() }).parse(JSON.parse(String(init?.body))).text)
        return answerUrl()
      }
      if (String(input).endsWith('views.open')) forms += 1
      return openView()
    }
    app = testBoltApp(fetchOf)
    const services = testServices(context, { connections: new Map([['dummy-one', { ...connection, provider }]]) })
    registerSlashCommand(app, services, [])
    registerFieldOptions(app, services)
  })
  afterEach(async () => await context.db.destroy())

  async function type(text: string, trigger_id: string): Promise<void> {
    const who = { user_id: 'U1', team_id: 'T1', channel_id: 'C1' }
    const body = { command: '/clone-app', text, trigger_id, response_url: 'http://slack.example/response/1', ...who }
    await app.processEvent({ body, ack: async () => {} })
  }
  const refusal = (error: string) => () => Response.json({ ok: false, error })

  it('a command that is delivered twice opens one form and answers nothing', async () => {
    await type('dummy-one clone', '1.2.a')
    await type('dummy-one clone', '1.2.a')
    expect([forms, answers]).toEqual([1, []])
    await type('help', '1.2.b')
    await type('help', '1.2.b')
    expect(answers).toHaveLength(1)
  })

  it.each(['expired_trigger_id', 'trigger_expired', 'invalid_trigger_id'])(
    'a form that came too late is no bug: %s',
    async (word) => {
      openView = refusal(word)
      await type('dummy-one clone', '1.2.c')
      expect(answers).toEqual(['Slack took too long, so nothing opened. Try again.'])
      expect([forms, errors]).toEqual([1, []])
    },
  )

  it('a form that another process opened is nothing to speak of', async () => {
    openView = refusal('exchanged_trigger_id')
    await type('dummy-one clone', '1.2.d')
    expect([answers, errors]).toEqual([[], []])
  })

  it.each([
    ['answers 503', () => new Response('', { status: 503 })],
    ['answers 429', () => new Response('', { status: 429, headers: { 'retry-after': '1000000000' } })],
    ['answers 429 without a time', () => new Response('', { status: 429 })],
    ['answers ratelimited', refusal('ratelimited')],
    ['answers internal_error', refusal('internal_error')],
  ])('a form that does not open because Slack %s is tried once, and said to be Slack’s', async (_, answer) => {
    openView = answer
    await type('dummy-one clone', '1.2.e')
    expect(answers).toEqual(["Slack didn't answer. Nothing was started. Try again."])
    expect([forms, errors]).toEqual([1, []])
  })

  it('an answer that Slack does not take is in the log, and nothing is said to be broken', async () => {
    answerUrl = () => new Response('gone', { status: 404 })
    await type('help', '1.2.f')
    expect(answers).toEqual([expect.stringContaining('Dolly clones apps')])
    expect(errors).toHaveLength(1)
  })

  it('a choice that the form could not be redrawn for is a choice all the same', async () => {
    const memory = { values: {}, labels: {}, remarks: {}, typed: {}, channel: 'C1', opening: '' }
    const private_metadata = JSON.stringify({ connection: 'dummy-one', operation: 'clone', ...memory })
    const list = async (values: object) => {
      let shown: unknown
      const view = { id: 'V1', type: 'modal', private_metadata, hash: 'h', state: { values } }
      const who = { team: { id: 'T1' }, user: { id: 'U1', team_id: 'T1' } }
      const body = { type: 'block_suggestion', ...who, action_id: 'field:part:', block_id: 'part', value: '', view }
      await app.processEvent({
        body,
        ack: async (answer: unknown) => {
          shown = answer
        },
      })
      return JSON.stringify(shown)
    }
    const selected_option = { value: 'a1', text: { type: 'plain_text', text: 'shop' } }
    expect(await list({})).toBe('{"options":[]}')
    const cleared = { app: { 'field:app:': { type: 'external_select', selected_option: null } } }
    expect(await list(cleared)).toBe('{"options":[]}')
    expect(await list({ app: { 'field:app:': { type: 'external_select', selected_option } } })).toContain('part of a1')
  })
})
