/** A Slack workspace on this machine: stateful, strict, and enough for the real bot to live in without an account. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Simulator, SwitchState } from '../providers/simulator.js'
import { BOT, startBackend, TEAM } from './backend.js'
import { type Core, perform, type SlashCommand } from './core.js'
import { createDelivery } from './delivery.js'
import { eventTs } from './events.js'
import { DOWNLOAD_PATH, handleDownload, handleUpload, UPLOAD_PATH } from './files.js'
import { sendJson } from './http.js'
import { asText, type Json } from './json.js'
import { type ManifestInput, readManifest } from './manifest.js'
import { handlePageApi, PAGE_API_PATH } from './page-api.js'
import { type Actor, createPerson, type WaitFor } from './person.js'
import type { BotStatus, Snapshot, StepRun, TimeStatus } from './protocol.js'
import { createRateLimits } from './rate-limits.js'
import { handleResponseUrl, RESPONSE_PATH } from './respond.js'
import { type Panels, snapshot } from './snapshot.js'
import { type DisconnectReason, type DropPoint, type Silence, SOCKET_PATH, Sockets } from './sockets.js'
import { type Call, WorkspaceState } from './state.js'
import { createSwitches, type SlackSwitch } from './switches.js'
import { createResponseUrls, createTriggers } from './tickets.js'
import { createWaitFor } from './wait-for.js'
import { handleApi } from './web-api.js'

export interface WorkspaceOptions {
  /** Default 0: any free port. */
  port?: number
  signingSecret?: string
  botToken?: string
  appToken?: string
  /** The app's manifest. Default: the repository's manifest.yml. */
  manifest?: ManifestInput
  /** The bot's scopes; a call that needs another one is answered `missing_scope`. Default: what the manifest asks for. */
  scopes?: readonly string[]
  /** The bot's slash commands; any other is "not a valid command". Default: the manifest's. */
  commands?: readonly SlashCommand[]
  /** Where the bot takes signed requests. While it isn't set, the bot has to use Socket Mode. */
  requestUrl?: string
  simulators?: readonly Simulator[]
  /** Serves all other paths. */
  page?: (req: IncomingMessage, res: ServerResponse) => void
  /** Ends the bot's process, for the page's button; see `setBotStatus`. */
  killBot?: () => void
  /** Lets some hours pass, for the page's button; see `setTime`. */
  passTime?: () => void
  /** Milliseconds; the clock of trigger ids, response URLs and `calls()`. */
  now?: () => number
  /** Milliseconds the bot has to acknowledge. Default 3000, as at Slack. */
  ackTimeoutMs?: number
  /** Milliseconds each answer takes while Slack is slow. Default 2000. */
  slowMs?: number
  /** Whether Slack answers 429 to more messages and edits than it takes, as in rate-limits.ts. Default: it takes all. */
  hasRateLimits?: boolean
}

type PersonName = 'ann' | 'bo' | 'cleo' | 'eli' | 'fay' | 'dora'
type ChannelName = 'platform' | 'deploys' | 'random'

export interface Workspace {
  /** `http://127.0.0.1:PORT`, where the page is. */
  url: string
  /** Environment for the bot, as it would be set for the real Slack. */
  env: Readonly<Record<'SLACK_API_URL' | 'SLACK_BOT_TOKEN' | 'SLACK_APP_TOKEN' | 'SLACK_SIGNING_SECRET', string>>
  /** For sharing the port, for example with a development server that has its own web socket. */
  server: Server
  team: { id: string; name: string; domain: string }
  bot: { id: string; name: string; botId: string; appId: string }
  people: Readonly<Record<PersonName, { id: string; name: string; directChannel: string }>>
  channels: Readonly<Record<ChannelName, { id: string; name: string }>>
  /** The person with this id. */
  as(user: string): Actor
  snapshot(user: string): Snapshot
  /** Sends the bot any payload, signed as by Slack, and returns its acknowledgement. For payloads no client would send. */
  deliver: Core['deliver']
  /** A response URL for such a payload; this person sees its answers in that channel. */
  issueResponseUrl(context: { user: string; channel: string }): string
  /** Every call of the bot to the Web API so far, or those of one method. */
  calls(method?: string): readonly Call[]
  /** Runs of workflow steps so far, oldest first. */
  runs(): readonly StepRun[]
  /** Sends payloads to this URL; undefined means Socket Mode. */
  setRequestUrl(url: string | undefined): void
  /** Number of open Socket Mode connections. */
  connections(): number
  /** Asks all Socket Mode connections to reconnect. */
  disconnect(reason?: DisconnectReason): void
  /** Makes Socket Mode connections go silent; undefined ends that for new connections. */
  silenceSockets(how: Silence | undefined): void
  switches(): readonly SwitchState[]
  setSwitch(id: SlackSwitch, on: boolean): void
  /**
   * Drops the socket of the next acknowledgement, just before or just after Slack reads it. Resolves once Slack has the
   * acknowledgement; in the first case the payload is delivered again for that.
   */
  dropSocket(when: DropPoint): Promise<void>
  /** Shows on the page whether the bot's process runs. Until it is called, the page has no "Kill the bot" button. */
  setBotStatus(status: BotStatus): void
  /** Shows on the page how far the clocks are ahead. Until it is called, the page has no button that lets time pass. */
  setTime(status: TimeStatus): void
  /** Posts a message from Slackbot that everyone in the channel sees. */
  greet(channel: string, text: string): void
  archive(channel: string): Promise<void>
  rename(channel: string, name: string): Promise<void>
  /** Removes a person from a channel. */
  leave(channel: string, name: PersonName): Promise<void>
  /** Lets another company into a channel. */
  share(channel: string): void
  waitFor: WaitFor
  close(): Promise<void>
}

/** Starts a workspace with its people and channels in place. */
export async function startWorkspace(options: WorkspaceOptions = {}): Promise<Workspace> {
  const {
    signingSecret = 'sandbox-signing-secret',
    botToken = 'xoxb-sandbox',
    appToken = 'xapp-1-sandbox',
    simulators = [],
    now = Date.now,
  } = options
  const manifest = readManifest(options.manifest)
  const scopes = options.scopes ?? manifest.oauth_config.scopes.bot
  const commands =
    options.commands ??
    manifest.features.slash_commands.map(({ command, description, usage_hint }) => ({
      command,
      description,
      usage: usage_hint,
    }))
  const server = createServer()
  const port = await listening(server, options.port ?? 0)
  const url = `http://127.0.0.1:${port}`
  const backend = await startBackend(scopes, url)
  const state = new WorkspaceState(backend)
  const changed = () => state.changed()
  const switches = createSwitches(changed)
  const sockets = new Sockets(changed)
  const panels: Panels = {
    simulators,
    bot: { status: null, kill: options.killBot ?? (() => {}) },
    time: { status: null, pass: options.passTime ?? (() => {}) },
  }
  let requestUrl = options.requestUrl
  const core: Core = {
    backend,
    state,
    triggers: createTriggers(now),
    responseUrls: createResponseUrls(now),
    commands,
    manifest,
    scopes,
    switches,
    deliver: createDelivery({
      requestUrl: () => requestUrl,
      signingSecret,
      sockets,
      ackTimeoutMs: options.ackTimeoutMs ?? 3000,
    }),
    url,
    now,
  }
  const rateLimits = options.hasRateLimits ? createRateLimits() : undefined
  const access = { botToken, appToken, sockets, rateLimits, slowMs: options.slowMs ?? 2000 }
  for (const simulator of simulators) simulator.onChange(changed)

  server.on('request', (req, res) => {
    route(req, res).catch((error: unknown) => {
      if (res.headersSent) res.destroy()
      else sendJson(res, 500, { ok: false, error: error instanceof Error ? error.message : String(error) })
    })
  })
  server.on('upgrade', (req, stream, head) => {
    if (req.url?.startsWith(SOCKET_PATH)) sockets.upgrade(req, stream, head)
    // Another listener, such as a development server's, may handle the path.
    else if (server.listenerCount('upgrade') === 1) stream.destroy()
  })

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const target = new URL(req.url ?? '/', url)
    const { pathname } = target
    if (pathname.startsWith('/api/')) return handleApi(core, access, req, res, pathname.slice('/api/'.length))
    if (pathname.startsWith(RESPONSE_PATH)) {
      return handleResponseUrl(core, req, res, pathname.slice(RESPONSE_PATH.length))
    }
    if (pathname.startsWith(UPLOAD_PATH)) return handleUpload(core, req, res, pathname.slice(UPLOAD_PATH.length))
    if (pathname.startsWith(DOWNLOAD_PATH)) return handleDownload(core, res, pathname.slice(DOWNLOAD_PATH.length))
    if (pathname.startsWith(PAGE_API_PATH)) return handlePageApi(core, panels, req, res, target)
    if (options.page) return options.page(req, res)
    sendJson(res, 404, { ok: false, error: 'not_found' })
  }

  const waitFor = createWaitFor(state)

  const people = new Map<string, Actor>()
  function as(user: string): Actor {
    const known = people.get(user) ?? createPerson(core, user, () => snapshot(core, panels, user), waitFor)
    people.set(user, known)
    return known
  }

  async function asAnn(method: string, body: Json): Promise<void> {
    const answer = await perform(core, method, body, 'ann')
    if (answer.ok !== true) throw new Error(`${method} was refused: ${asText(answer.error)}.`)
  }

  const person = (name: PersonName) => found(backend.people, name)
  const channel = (name: ChannelName) => found(backend.channels, name)
  return {
    url,
    env: {
      SLACK_API_URL: `${url}/api/`,
      SLACK_BOT_TOKEN: botToken,
      SLACK_APP_TOKEN: appToken,
      SLACK_SIGNING_SECRET: signingSecret,
    },
    server,
    team: TEAM,
    bot: BOT,
    people: {
      ann: person('ann'),
      bo: person('bo'),
      cleo: person('cleo'),
      eli: person('eli'),
      fay: person('fay'),
      dora: person('dora'),
    },
    channels: { platform: channel('platform'), deploys: channel('deploys'), random: channel('random') },
    as,
    snapshot: (user) => snapshot(core, panels, user),
    deliver: core.deliver,
    issueResponseUrl: (context) => `${url}${RESPONSE_PATH}${core.responseUrls.issue(context)}`,
    calls: (method) => state.calls.filter((call) => method === undefined || call.method === method),
    runs: () => state.runs().map(({ token: _, ...run }) => run),
    setRequestUrl(next) {
      requestUrl = next
    },
    connections: () => sockets.count,
    disconnect: (reason = 'refresh_requested') => sockets.disconnect(reason),
    silenceSockets: (how) => sockets.silence(how),
    switches: switches.all,
    setSwitch: switches.set,
    setBotStatus(status) {
      panels.bot.status = status
      changed()
    },
    setTime(status) {
      panels.time.status = status
      changed()
    },
    dropSocket: (when) => sockets.dropAt(when),
    greet: (id, text) => state.keepGreeting(id, text, eventTs(core)),
    archive: (id) => asAnn('conversations.archive', { channel: id }),
    rename: (id, name) => asAnn('conversations.rename', { channel: id, name }),
    leave: async (id, name) => void (await perform(core, 'conversations.leave', { channel: id }, name)),
    share(id) {
      const shared = state.channels.get(id)
      if (shared) shared.isShared = true
    },
    waitFor,
    async close() {
      await sockets.close()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await backend.close()
    },
  }
}

function found<T extends { name: string }>(all: readonly T[], name: string): T {
  const one = all.find((candidate) => candidate.name === name)
  if (!one) throw new Error(`The seed has no ${name}.`)
  return one
}

/** Resolves with the port it became. */
function listening(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}
