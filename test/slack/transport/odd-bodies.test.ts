/** Whatever Slack, or somebody with its secret, signs: the real commands behind both ways in stay alive and answer the next one. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { App } from '@slack/bolt'
import { WebClient } from '@slack/web-api'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { freePort } from '../../../sandbox/free-port.js'
import { Validator } from '../../../src/commands/clone/validate.js'
import { registerCommands } from '../../../src/commands/index.js'
import { PickerLists } from '../../../src/commands/picker-lists.js'
import { seenInMemory } from '../../../src/lib/seen.js'
import { People } from '../../../src/slack/api/people.js'
import type { SlackTransport } from '../../../src/slack/transport/bolt-app.js'
import { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { openHttpTransport } from '../../../src/slack/transport/http.js'
import { openSocketTransport } from '../../../src/slack/transport/socket.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { dummyConnection } from '../../helpers/dummy-provider.js'
import { quietLogger, signed } from '../../helpers/slack-request.js'

const secret = 'shhh'
/** As deep as a body may be long. */
const deep = `${'['.repeat(80_000)}${']'.repeat(80_000)}`
const person = { team: { id: 'T1' }, user: { id: 'U1' } }
const command = { command: '/clone-app', text: 'help', team_id: 'T1', user_id: 'U1', channel_id: 'C1' }

let slack: Server
let sockets: WebSocketServer
let slackUrl: string
let context: TestContext
let transport: SlackTransport
/** What nobody caught, which ends the real process. */
let uncaught: unknown[]
const hear = (error: unknown) => void uncaught.push(error)

beforeAll(async () => {
  slack = createServer((request, response) => {
    request.resume()
    const url = `${slackUrl.replace('http', 'ws')}/`
    const answer = { ok: true, url, user: { team_id: 'T1' } }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  sockets = new WebSocketServer({ server: slack })
  await new Promise<void>((resolve) => slack.listen(0, '127.0.0.1', resolve))
  slackUrl = `http://127.0.0.1:${(slack.address() as AddressInfo).port}`
})
afterAll(() => {
  for (const socket of sockets.clients) socket.terminate()
  slack.closeAllConnections()
  slack.close()
})

beforeEach(async () => {
  uncaught = []
  context = await testContext()
  process.on('unhandledRejection', hear)
})
afterEach(async () => {
  await transport.stop()
  await context.db.destroy()
  process.off('unhandledRejection', hear)
})

function realApp(): App {
  const clientOptions = { slackApiUrl: `${slackUrl}/api/`, retryConfig: { retries: 0 } }
  const app = new BoltApp({
    receiver: transport.receiver,
    authorize: async () => ({ botToken: 'xoxb-1', botId: 'B1', botUserId: 'U0', teamId: 'T1' }),
    logger: quietLogger,
    clientOptions,
  })
  const client = new WebClient('xoxb-1', clientOptions)
  registerCommands(app, {
    db: context.db,
    connections: new Map([['dummy-one', dummyConnection(context.world)]]),
    lists: new PickerLists(() => 0, context.log),
    validator: new Validator(context.log),
    seenBefore: seenInMemory(Date.now),
    people: new People({ slack: client, team: async () => 'T1', groups: [], elapsed: () => 0, log: context.log }),
    access: { owner: '#platform', rules: [{ who: ['members'], may: ['*'], on: ['*'], target: ['*'] }] },
    wake: () => {},
    waitForThread: async () => null,
    now: context.now,
    elapsed: () => 0,
    showHome: async () => ({ hash: null }),
    describe: async () => {
      throw new Error('Nobody asks for this.')
    },
    workspaceUrl: () => 'https://woolworks.slack.com/',
    log: context.log,
  })
  app.error(async () => {})
  return app
}

const form = 'application/x-www-form-urlencoded'
const payload = (json: string) => new URLSearchParams({ payload: json }).toString()
const said = (value: object) => payload(JSON.stringify({ ...person, ...value }))
/** What is signed, as what it is sent, and what comes back. */
const bodies: Readonly<Record<string, { body: string; type?: string; status: number }>> = {
  'nothing at all': { body: '', status: 200 },
  'nothing at all, as JSON': { body: '', type: 'application/json', status: 400 },
  'a form without a type': { body: 'command=%2Fclone-app', type: '', status: 400 },
  'an empty payload': { body: 'payload=', status: 400 },
  'a payload of null': { body: 'payload=null', status: 400 },
  'a list': { body: 'payload=[]', status: 400 },
  'a number': { body: 'payload=1', status: 400 },
  'a text': { body: 'payload=%22text%22', status: 400 },
  'yes or no': { body: 'payload=true', status: 400 },
  'a broken payload': { body: 'payload=%7B%22type%22', status: 400 },
  'two payloads': { body: 'payload=null&payload=%7B%7D', status: 200 },
  'null as JSON': { body: 'null', type: 'application/json', status: 400 },
  'a list as JSON': { body: '[{"type":"block_actions"}]', type: 'application/json', status: 400 },
  'broken JSON': { body: '{"type":', type: 'application/json', status: 400 },
  'a list within lists, eighty thousand deep': { body: payload(deep), status: 400 },
  'an object of nothing': { body: payload('{}'), status: 200 },
  'a type that nobody knows': { body: said({ type: 'dream' }), status: 200 },
  'a type that is an object': { body: said({ type: {} }), status: 200 },
  'a challenge eighty thousand deep': {
    body: `{"type":"url_verification","challenge":${deep}}`,
    type: 'application/json',
    status: 200,
  },
  'an event of null': { body: '{"event":null}', type: 'application/json', status: 500 },
  'an event of text': { body: '{"event":"text"}', type: 'application/json', status: 500 },
  'a click without a person': { body: payload('{"type":"block_actions","actions":[{}]}'), status: 500 },
  'a click on nothing': { body: said({ type: 'block_actions', actions: [] }), status: 200 },
  'a click on null': { body: said({ type: 'block_actions', actions: [null] }), status: 200 },
  'clicks that are no list': { body: said({ type: 'block_actions', actions: 7 }), status: 500 },
  'a click eighty thousand deep': {
    body: payload(`{"type":"block_actions","user":{"id":"U1"},"team":{"id":"T1"},"actions":[${deep}]}`),
    status: 200,
  },
  'a button without a value': {
    body: said({ type: 'block_actions', actions: [{ type: 'button', action_id: 'job:dismiss', block_id: 'b' }] }),
    status: 200,
  },
  'a submission without a view': { body: said({ type: 'view_submission' }), status: 500 },
  'a submission of null': { body: said({ type: 'view_submission', view: null }), status: 500 },
  'a form without memory': {
    body: said({ type: 'view_submission', view: { callback_id: 'operation_form' } }),
    status: 200,
  },
  'a form whose answers are eighty thousand deep': {
    body: payload(
      `{"type":"view_submission","user":{"id":"U1"},"team":{"id":"T1"},"view":{"callback_id":"operation_form","private_metadata":"{}","state":{"values":${deep}}}}`,
    ),
    status: 200,
  },
  'a list that is asked for without a name': { body: said({ type: 'block_suggestion' }), status: 200 },
  'a command without a person': { body: 'command=%2Fclone-app&text=help', status: 200 },
  'a command appears twice': { body: 'command=%2Fclone-app&command=%2Fclone-app&user_id=U1&user_id=U2', status: 200 },
  'a command with another content type': {
    body: 'command=%2Fclone-app&text=help',
    type: `${form}; charset=utf-8`,
    status: 400,
  },
  'a command that nobody registered': { body: 'command=%2Fdream&user_id=U1', status: 200 },
  'bytes that are no text': { body: 'command=%FF%FE%00&payload%00=%C3', status: 200 },
  'a check of the certificate with a command behind it': { body: 'ssl_check=1&command=%2Fclone-app', status: 200 },
}

it.each(Object.entries(bodies))(
  'a signed body of %s is answered and ends nothing',
  async (_, { body, type, status }) => {
    const port = await freePort()
    transport = openHttpTransport(secret, port, quietLogger, { now: Date.now, seenBefore: seenInMemory(Date.now) })
    realApp()
    await transport.start()
    const url = `http://127.0.0.1:${port}`
    const post = async (text: string, contentType: string) => {
      const headers = { ...signed(text, secret), 'content-type': contentType }
      return (await fetch(`${url}/slack/events`, { method: 'POST', body: Buffer.from(text), headers })).status
    }
    expect(await post(body, type ?? form)).toBe(status)
    expect(await post(`${new URLSearchParams(command)}`, form)).toBe(200)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect(uncaught).toEqual([])
  },
)

/** Whole messages of a socket. The last one is in order and must be answered. */
const envelope = (rest: object) => JSON.stringify({ envelope_id: 'odd', accepts_response_payload: true, ...rest })
const messages: Readonly<Record<string, string>> = {
  'no JSON': 'Good morning',
  nothing: '',
  null: 'null',
  'a list': '[]',
  'a text': '"hello"',
  'no type': '{}',
  'a command without a payload': envelope({ type: 'slash_commands' }),
  'a command of null': envelope({ type: 'slash_commands', payload: null }),
  'a command in a list': envelope({ type: 'slash_commands', payload: [command] }),
  'a command in a text': envelope({ type: 'slash_commands', payload: 'command=/clone-app' }),
  'a command without a person': envelope({ type: 'slash_commands', payload: { command: '/clone-app' } }),
  'a click of null': envelope({ type: 'interactive', payload: null }),
  'a click without a person': envelope({ type: 'interactive', payload: { type: 'block_actions', actions: [{}] } }),
  'a submission without a view': envelope({ type: 'interactive', payload: { ...person, type: 'view_submission' } }),
  'an event of null': envelope({ type: 'events_api', payload: null }),
  'an event without an event': envelope({ type: 'events_api', payload: { event: null } }),
  'an event of text': envelope({ type: 'events_api', payload: { event: 'text' } }),
  'the name of something in the client, its end': envelope({ type: 'disconnected', payload: {} }),
  'the name of something in the client, its reading': envelope({ type: 'ws_message', payload: {} }),
  'the name of something in the client, its requests': envelope({ type: 'slack_event', payload: {} }),
  'lists within lists, eighty thousand deep': deep,
  'a payload eighty thousand deep': `{"type":"interactive","envelope_id":"odd","payload":{"type":"block_actions","user":{"id":"U1"},"actions":[${deep}]}}`,
}

it.each(Object.entries(messages))(
  'a message over the socket of %s ends nothing, nor the socket',
  async (_, message) => {
    const acknowledged: unknown[] = []
    let opened = 0
    sockets.removeAllListeners('connection')
    sockets.on('connection', (socket: WebSocket) => {
      opened += 1
      socket.on('message', (data) => void acknowledged.push(JSON.parse(data.toString()).envelope_id))
      socket.send('{"type":"hello"}')
      socket.send(message)
      socket.send(JSON.stringify({ envelope_id: 'next', type: 'slash_commands', payload: command }))
    })
    transport = openSocketTransport('xapp-1', `${slackUrl}/api/`, quietLogger, undefined)
    realApp()
    await transport.start()
    await expect.poll(() => acknowledged).toContain('next')
    expect(opened).toBe(1)
    expect(uncaught).toEqual([])
  },
)
