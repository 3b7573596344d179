/** Answers to a command or a click: in the acknowledgement's body, or later through a response URL. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { completed, messageProblems, refusal } from './checks.js'
import { type Core, perform, postEphemeral } from './core.js'
import { readBody, sendJson } from './http.js'
import { asList, asText, type Json } from './json.js'
import type { ResponseContext } from './tickets.js'

/** The path of response URLs; the rest is their id. */
export const RESPONSE_PATH = '/response/'

/** Shows, replaces or deletes a message as the body says. As at Slack, the bot needn't be in the channel. */
export async function respond(core: Core, context: ResponseContext, body: Json): Promise<Json> {
  const { user, channel, messageTs } = context
  const source = messageTs ? core.state.message(channel, messageTs) : undefined
  if (source && isTrue(body.delete_original)) {
    if (!source.audience) return perform(core, 'chat.delete', { channel, ts: source.ts })
    core.state.deleteMessage(channel, source.ts)
    return { ok: true }
  }
  const problems = body.blocks === undefined ? [] : messageProblems(body.blocks, !core.switches.isOn('refuse-plan'))
  if (problems.length > 0) return refusal('invalid_blocks', problems)
  const message = {
    text: asText(body.text),
    ...(body.blocks === undefined ? {} : { blocks: completed(asList(body.blocks)) }),
    ...(body.thread_ts === undefined ? {} : { thread_ts: body.thread_ts }),
  }
  if (source && isTrue(body.replace_original)) {
    if (!source.audience) return perform(core, 'chat.update', { ...message, channel, ts: source.ts })
    core.state.keepMessage({ ...source, text: message.text, blocks: message.blocks ?? [] })
    return { ok: true }
  }
  if (body.response_type === 'in_channel') return perform(core, 'chat.postMessage', { ...message, channel })
  return postEphemeral(core, user, channel, message)
}

/** Slack's examples write these as strings. */
function isTrue(value: unknown): boolean {
  return value === true || value === 'true'
}

/** `POST /response/:id`. */
export async function handleResponseUrl(
  core: Core,
  req: IncomingMessage,
  res: ServerResponse,
  id: string,
): Promise<void> {
  const body = await readBody(req)
  if (core.switches.use('fail-response')) return sendJson(res, 500, { ok: false, error: 'internal_error' })
  const context = core.responseUrls.use(id)
  if ('error' in context) return sendJson(res, 404, { ok: false, error: context.error })
  const answer = await respond(core, context, body)
  if (answer.ok !== true) return sendJson(res, 400, answer)
  res.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
}
