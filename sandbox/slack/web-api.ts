/** The Web API: emulate's data behind the rules, limits and faults of the real Slack. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { GROUPS } from './backend.js'
import { checkedView, completed, messageProblems, refusal } from './checks.js'
import { type Core, perform } from './core.js'
import { completeUpload } from './files.js'
import { readHistory } from './history.js'
import { isJson, readBody, sendJson } from './http.js'
import { asList, asObject, asText, type Json } from './json.js'
import type { RateLimits } from './rate-limits.js'
import { react } from './reactions.js'
import type { Sockets } from './sockets.js'
import type { StoredChannel } from './state.js'
import { completeStep } from './steps.js'
import { openView, publishView, pushView, updateView } from './views.js'

interface Access {
  botToken: string
  appToken: string
  sockets: Sockets
  /** Undefined takes all. */
  rateLimits: RateLimits | undefined
  /** Milliseconds every answer takes when Slack is slow. */
  slowMs: number
}

/** `/api/:method`. */
export async function handleApi(
  core: Core,
  access: Access,
  req: IncomingMessage,
  res: ServerResponse,
  method: string,
): Promise<void> {
  const at = core.now()
  const { token: bodyToken, ...body } = await readBody(req)
  const token = (req.headers.authorization ?? asText(bodyToken)).replace(/^Bearer\s+/i, '')
  const isLost = method === 'chat.postMessage' && core.switches.use('lose-answer')
  const [status, answer, headers] = await outcome()
  core.state.calls.push({ method, body, at, status, answer, isLost })
  core.state.changed()
  if (core.switches.isOn('slow')) await new Promise((resolve) => setTimeout(resolve, access.slowMs))
  if (isLost) req.socket.destroy()
  else sendJson(res, status, answer, { 'x-oauth-scopes': core.scopes.join(','), ...headers })

  async function outcome(): Promise<[status: number, answer: Json, headers?: Record<string, string>]> {
    if (core.switches.isOn('down')) return [503, { ok: false, error: 'service_unavailable' }]
    if (method === 'chat.postMessage' && core.switches.use('rate-limit')) {
      return [429, { ok: false, error: 'ratelimited' }, { 'retry-after': '2' }]
    }
    if (method === 'chat.postMessage' && core.switches.use('rate-limit-bare')) {
      return [429, { ok: false, error: 'ratelimited' }]
    }
    if (method === 'views.update' && core.switches.use('fail-view')) {
      return [503, { ok: false, error: 'service_unavailable' }]
    }
    if (!token) return [200, { ok: false, error: 'not_authed' }]
    if (method === 'apps.connections.open') return [200, connection(token)]
    const run = core.state.runs().find((one) => one.token === token)
    if (run && run.status !== 'running') return [200, { ok: false, error: 'token_revoked' }]
    if (token !== access.botToken && !run) return [200, { ok: false, error: 'invalid_auth' }]
    const waitMs = access.rateLimits?.spend(method, asText(body.channel)) ?? 0
    if (waitMs > 0) {
      return [429, { ok: false, error: 'ratelimited' }, { 'retry-after': String(Math.ceil(waitMs / 1_000)) }]
    }
    // Slack takes this one as a form only.
    if (method === 'files.getUploadURLExternal' && isJson(req)) return [200, { ok: false, error: 'invalid_arguments' }]
    return [200, await answerOf(core, method, body)]
  }

  function connection(given: string): Json {
    if (given !== access.appToken) {
      return { ok: false, error: given === access.botToken ? 'not_allowed_token_type' : 'invalid_auth' }
    }
    return { ok: true, url: `${core.url.replace('http', 'ws')}${access.sockets.issuePath()}` }
  }
}

async function answerOf(core: Core, method: string, body: Json): Promise<Json> {
  if (method === 'views.open' || method === 'views.push') {
    // Slack reads the arguments first: a view it refuses does not use up the trigger.
    const checked = checkedView(body.view)
    if (checked.refusal) return checked.refusal
    const trigger = core.triggers.redeem(asText(body.trigger_id))
    if ('error' in trigger) return { ok: false, error: trigger.error }
    return method === 'views.open' ? openView(core, trigger.user, body.view) : pushView(core, trigger.user, body.view)
  }
  if (method === 'views.update') return updateView(core, body)
  if (method === 'views.publish') return publishView(core, body)
  if (['chat.postMessage', 'chat.update', 'chat.postEphemeral', 'chat.delete'].includes(method)) {
    return message(core, method, body)
  }
  if (method === 'usergroups.users.list') return groupUsers(core, body)
  if (method === 'users.conversations') return channelsOf(core, body)
  if (method === 'conversations.history' || method === 'conversations.replies') return readHistory(core, method, body)
  if (method === 'reactions.add' || method === 'reactions.remove') return react(core, method, body)
  if (method === 'files.completeUploadExternal') return completeUpload(core, body)
  if (method === 'functions.completeSuccess' || method === 'functions.completeError') {
    return completeStep(core, method, body)
  }
  const answer = await perform(core, method, body)
  return method === 'users.info' && answer.ok === true ? { ...answer, user: described(core, answer.user) } : answer
}

/** A person as `users.info` shows them. For deactivated accounts Slack leaves out whether they were guests. */
function described(core: Core, user: unknown): Json {
  const known = asObject(user)
  const person = core.backend.people.find(({ id }) => id === known.id)
  if (person?.hasLeft) return { ...known, deleted: true }
  return { ...known, deleted: false, is_restricted: person?.isGuest === true, is_ultra_restricted: false }
}

function missingScope({ scopes }: Core, needed: string): Json {
  return { ok: false, error: 'missing_scope', needed, provided: scopes.join(',') }
}

function groupUsers(core: Core, body: Json): Json {
  const needed = 'usergroups:read'
  if (!core.scopes.includes(needed)) return missingScope(core, needed)
  const names = Object.entries(GROUPS).find(([id]) => id === body.usergroup)?.[1]
  if (!names) return { ok: false, error: 'no_such_subteam' }
  return { ok: true, users: core.backend.people.filter(({ name }) => names.includes(name)).map(({ id }) => id) }
}

/** The scope that each kind of conversation needs. The sandbox has public channels only. */
const KINDS: Readonly<Record<string, string>> = { public_channel: 'channels:read', private_channel: 'groups:read' }

async function channelsOf(core: Core, body: Json): Promise<Json> {
  const types = asText(body.types || 'public_channel').split(',')
  const needed = types.map((type) => KINDS[type] ?? 'im:read').find((scope) => !core.scopes.includes(scope))
  if (needed) return missingScope(core, needed)
  const open = [...core.state.channels.values()].filter(({ directWith, isArchived }) => !directWith && !isArchived)
  const listed = types.includes('public_channel') ? open : []
  const isIn = await Promise.all(
    listed.map(async ({ id }) => {
      const { members } = await core.backend.call('conversations.members', { channel: id, limit: 999 }, 'ann')
      return asList(members).includes(body.user)
    }),
  )
  const channels = listed
    .filter((_, at) => isIn[at])
    .map(({ id, name, isShared }) => ({ id, name, is_channel: true, is_shared: isShared, is_ext_shared: isShared }))
  return { ok: true, channels, response_metadata: { next_cursor: '' } }
}

async function message(core: Core, method: string, body: Json): Promise<Json> {
  const channel = addressed(core, asText(body.channel))
  if (!channel) return { ok: false, error: 'channel_not_found' }
  if (!channel.hasBot) return { ok: false, error: 'not_in_channel' }
  if (channel.directWith && !core.manifest.features.app_home.messages_tab_enabled) {
    return { ok: false, error: 'messages_tab_disabled' }
  }
  if (channel.isArchived) return { ok: false, error: 'is_archived' }
  const isPost = method === 'chat.postMessage'
  if (isPost && body.thread_ts !== undefined && !core.state.message(channel.id, asText(body.thread_ts))) {
    return { ok: false, error: 'thread_not_found' }
  }
  if (isPost && !channel.directWith) {
    const isReply = body.thread_ts !== undefined
    if (isReply && core.switches.isOn('lock-threads')) return { ok: false, error: 'restricted_action_thread_locked' }
    if (!isReply && core.switches.isOn('refuse-roots')) return { ok: false, error: 'no_permission' }
  }
  const placed = { ...body, channel: channel.id }
  if (body.blocks === undefined) return perform(core, method, placed)
  if (!Array.isArray(body.blocks)) return { ok: false, error: 'invalid_blocks_format' }
  const problems = messageProblems(body.blocks, !core.switches.isOn('refuse-plan'))
  if (problems.length > 0) return refusal('invalid_blocks', problems)
  return perform(core, method, { ...placed, blocks: completed(asList(body.blocks)) })
}

/** A channel by id or name; a person's id stands for the direct conversation with them. */
function addressed(core: Core, channel: string): StoredChannel | undefined {
  const all = [...core.state.channels.values()]
  return (
    core.state.channels.get(channel) ??
    all.find(
      (one) => one.directWith === channel || (!one.directWith && `#${one.name}` === `#${channel.replace('#', '')}`),
    )
  )
}
