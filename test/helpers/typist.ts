/** A person who types /clone-app and presses buttons, in front of all commands, and a Slack that keeps what it was sent. */
import { expect } from 'vitest'
import { z } from 'zod'
import { Home, MessageBlocks, Modal } from '../../sandbox/slack/block-kit.js'
import { registerCommands } from '../../src/commands/index.js'
import type { Services } from '../../src/commands/services.js'
import type { BoltApp } from '../../src/slack/transport/bolt-app.js'
import { testBoltApp, testServices } from './bolt-app.js'
import type { TestContext } from './context.js'

const Answer = z.object({
  text: z.string(),
  blocks: z.array(z.record(z.string(), z.unknown())).default([]),
  replace_original: z.boolean(),
})

/** One call of the app to Slack's Web API, with JSON arguments read. */
export interface ApiCall {
  method: string
  args: Record<string, unknown>
}

export interface Typist {
  app: BoltApp
  services: Services
  /** Private answers, in order. */
  answers: z.infer<typeof Answer>[]
  calls: ApiCall[]
  /** Types `/clone-app <text>` in C1. */
  type(text: string, user?: string, channel?: string): Promise<z.infer<typeof Answer> | undefined>
  /** Presses a button in a private answer; `rest` replaces parts of the request. */
  press(action: Record<string, unknown>, rest?: Record<string, unknown>, user?: string): Promise<void>
  /** Submits a modal. */
  submit(view: Record<string, unknown>, user?: string): Promise<unknown>
  /** Delivers an event. */
  event(event: Record<string, unknown>): Promise<void>
}

/** @param answerOf what Slack answers to a call; `ok` unless given. */
export function typistOf(
  context: TestContext,
  overrides: Partial<Services> = {},
  answerOf: (call: ApiCall) => object | undefined = () => undefined,
): Typist {
  const answers: Typist['answers'] = []
  const calls: ApiCall[] = []
  let typed = 0
  const fetchOf = async (input: string | URL | Request, init?: RequestInit) => {
    const url = String(input)
    if (url.includes('/response/')) {
      const answer = Answer.parse(JSON.parse(String(init?.body)))
      MessageBlocks.parse(answer.blocks)
      answers.push(answer)
      return new Response('ok')
    }
    const call = { method: url.replace(/.*\/api\//, ''), args: argsOf(init?.body) }
    calls.push(call)
    return Response.json(answerOf(call) ?? { ok: true, view: { id: 'V1', hash: `h${calls.length}` } })
  }
  const app = testBoltApp(fetchOf)
  const services = testServices(context, overrides)
  registerCommands(app, services)
  const response_url = 'http://slack.example/response/1'
  const ids = () => {
    typed += 1
    return { trigger_id: `1.2.${typed}`, response_url }
  }
  return {
    app,
    services,
    answers,
    calls,
    type: async (text, user_id = 'U1', channel_id = 'C1') => {
      const before = answers.length
      const body = { command: '/clone-app', text, user_id, team_id: 'T1', channel_id, ...ids() }
      await app.processEvent({ body, ack: async () => {} })
      // Each answer takes its own time.
      context.pass(60_000)
      return answers[before]
    },
    press: async (action, rest = {}, user = 'U1') => {
      const body = {
        type: 'block_actions',
        user: { id: user, team_id: 'T1' },
        team: { id: 'T1' },
        channel: { id: 'C1' },
        container: { type: 'message', is_ephemeral: true },
        actions: [{ type: 'button', block_id: 'b', ...action }],
        ...ids(),
        ...rest,
      }
      await app.processEvent({ body, ack: async () => {} })
    },
    submit: async (view, user = 'U1') => {
      let answer: unknown
      const body = {
        type: 'view_submission',
        user: { id: user, team_id: 'T1' },
        team: { id: 'T1' },
        view: { id: 'V1', type: 'modal', ...view },
      }
      const ack = async (given?: unknown) => {
        answer = given
      }
      await app.processEvent({ body, ack })
      return answer
    },
    event: async (event) => {
      const body = { type: 'event_callback', team_id: 'T1', event_id: 'E1', event }
      await app.processEvent({ body, ack: async () => {} })
    },
  }
}

/** Form-encoded arguments, of which views and blocks are JSON; both are held against Slack's limits. */
function argsOf(body: unknown): Record<string, unknown> {
  const args = Object.fromEntries(new URLSearchParams(String(body ?? '')))
  const read = Object.entries(args).map(([key, value]) => [key, key === 'view' ? JSON.parse(value) : value])
  const { view, ...rest } = Object.fromEntries(read)
  if (view === undefined) return rest
  if (view.type === 'home') Home.parse(view)
  else Modal.parse(view)
  expect(JSON.stringify(view).length).toBeLessThan(250_000)
  return { ...rest, view }
}

/** All buttons and menus in these blocks. */
export function elementsIn(blocks: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const Holder = z.object({
    elements: z.array(z.record(z.string(), z.unknown())).default([]),
    accessory: z.record(z.string(), z.unknown()).optional(),
  })
  return blocks.flatMap((block) => {
    const { elements, accessory } = Holder.parse(block)
    return [...elements, ...(accessory ? [accessory] : [])].filter((one) => 'action_id' in one)
  })
}
