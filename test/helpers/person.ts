/** Somebody in Slack, for tests of commands: types, clicks and submits, and reads what comes back. */
import { z } from 'zod'
import { registerCommands } from '../../src/commands/index.js'
import type { Services } from '../../src/commands/services.js'
import { testBoltApp, testServices } from './bolt-app.js'
import type { TestContext } from './context.js'

const Json = z.record(z.string(), z.unknown())
const View = z.looseObject({ callback_id: z.string(), private_metadata: z.string().default('') })
type View = z.infer<typeof View>
const Answer = z.looseObject({ response_action: z.string(), view: View.optional() })

/** All commands on a Bolt app, and what Slack was sent. */
export function slackOf(context: TestContext, overrides: Partial<Services> = {}) {
  /** Private answers, oldest first. */
  const answers: string[] = []
  /** Modals that were opened, oldest first. */
  const opened: View[] = []
  const app = testBoltApp(async (input, init) => {
    if (String(input).includes('/response/')) {
      answers.push(z.object({ text: z.string() }).parse(JSON.parse(String(init?.body))).text)
    } else if (String(input).endsWith('views.open')) {
      const body = Json.parse(Object.fromEntries(new URLSearchParams(String(init?.body))))
      opened.push(View.parse(JSON.parse(String(body.view))))
    }
    return Response.json({ ok: true, view: { id: 'V1', hash: 'h' } })
  })
  registerCommands(app, testServices(context, overrides))
  let count = 0

  return {
    answers,
    opened,
    /** `/clone-app <text>`. */
    async type(text: string, { user = 'U1', channel = 'C1' } = {}): Promise<void> {
      count += 1
      const who = { user_id: user, team_id: 'T1', channel_id: channel }
      const request = { trigger_id: `1.2.${count}`, response_url: 'http://slack.example/response/1' }
      await app.processEvent({ body: { command: '/clone-app', text, ...request, ...who }, ack: async () => {} })
    },
    /** A button below a message. */
    async press(action_id: string, value: string, { user = 'U1', channel = 'C1' } = {}): Promise<void> {
      count += 1
      const body = {
        type: 'block_actions',
        team: { id: 'T1' },
        user: { id: user, team_id: 'T1' },
        channel: { id: channel },
        container: { type: 'message', message_ts: '1.5', channel_id: channel, is_ephemeral: false },
        trigger_id: `1.2.${count}`,
        response_url: 'http://slack.example/response/1',
        actions: [{ type: 'button', block_id: 'b', action_id, value, action_ts: '1.1' }],
      }
      await app.processEvent({ body, ack: async () => {} })
    },
    /** Sends a modal; `id` tells one opened modal from another. */
    async submit(view: View, { user = 'U1', id = 'V1', values = {} } = {}): Promise<z.infer<typeof Answer>> {
      const { callback_id, private_metadata } = view
      const sent = { id, root_view_id: id, type: 'modal', callback_id, private_metadata, hash: 'h', state: { values } }
      const body = { type: 'view_submission', team: { id: 'T1' }, user: { id: user, team_id: 'T1' }, view: sent }
      let answer: unknown
      const ack = async (given: unknown) => {
        answer = given
      }
      await app.processEvent({ body, ack })
      return Answer.parse(answer)
    },
  }
}
