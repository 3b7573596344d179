/** The API of the sandbox's page: one event stream, and a POST for everything a person can do. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { type Core, Refusal } from './core.js'
import { readBody, sendJson } from './http.js'
import { act, dismiss, openHome, options, submit, write } from './interactions.js'
import type { Json } from './json.js'
import { runMessageShortcut, runShortcut } from './shortcuts.js'
import { type Panels, snapshot } from './snapshot.js'
import { runStep } from './steps.js'

/** The path of the page's API. */
export const PAGE_API_PATH = '/sandbox/'

const KEEP_ALIVE_MS = 15_000

const Values = z.record(z.string(), z.record(z.string(), z.unknown()))
const Written = z.object({ user: z.string(), channel: z.string(), text: z.string(), threadTs: z.string().optional() })
const OptionsAsked = z.object({
  user: z.string(),
  viewId: z.string(),
  blockId: z.string(),
  actionId: z.string(),
  value: z.string(),
})
const Acted = z.object({
  user: z.string(),
  source: z.union([z.object({ viewId: z.string() }), z.object({ channel: z.string(), ts: z.string() })]),
  blockId: z.string(),
  action: z.record(z.string(), z.unknown()),
  values: Values.optional(),
})
const Submitted = z.object({ user: z.string(), viewId: z.string(), values: Values })
const Closed = z.object({ user: z.string(), viewId: z.string() })
const HomeOpened = z.object({ user: z.string(), tab: z.enum(['home', 'messages']) })
const Shortcut = z.object({ user: z.string(), callbackId: z.string() })
const MessageShortcut = Shortcut.extend({ channel: z.string(), ts: z.string() })
const RunStep = z.object({ user: z.string(), callbackId: z.string(), inputs: z.record(z.string(), z.unknown()) })
const Switched = z.object({ of: z.string(), id: z.string(), value: z.boolean() })

/** `/sandbox/:what`. */
export async function handlePageApi(
  core: Core,
  panels: Panels,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<void> {
  const what = url.pathname.slice(PAGE_API_PATH.length)
  try {
    if (req.method === 'GET' && what === 'events') return events(core, panels, res, url.searchParams.get('user'))
    if (req.method !== 'POST') return sendJson(res, 405, { ok: false, error: 'This address takes POST.' })
    const result = await done(core, panels, what, await readBody(req))
    if (result) sendJson(res, 200, { ok: true, ...result })
    else sendJson(res, 404, { ok: false, error: `The sandbox has nothing called ${what}.` })
  } catch (error) {
    if (error instanceof Refusal) sendJson(res, 200, { ok: false, error: error.message })
    else if (error instanceof z.ZodError) sendJson(res, 400, { ok: false, error: z.prettifyError(error) })
    else throw error
  }
}

async function done(core: Core, panels: Panels, what: string, body: Json): Promise<Json | undefined> {
  if (what === 'message' || what === 'command') {
    const { user, channel, text, threadTs } = Written.parse(body)
    await write(core, user, channel, text, threadTs)
    return {}
  }
  if (what === 'options') {
    const { user, viewId, blockId, actionId, value } = OptionsAsked.parse(body)
    return options(core, user, viewId, blockId, actionId, value)
  }
  if (what === 'action') {
    const { user, source, blockId, action, values } = Acted.parse(body)
    await act(core, user, source, { ...action, block_id: blockId }, values)
    return {}
  }
  if (what === 'submit') {
    const { user, viewId, values } = Submitted.parse(body)
    const errors = await submit(core, user, viewId, values)
    return Object.keys(errors).length > 0 ? { errors } : {}
  }
  if (what === 'close') {
    const { user, viewId } = Closed.parse(body)
    await dismiss(core, user, viewId)
    return {}
  }
  if (what === 'home') {
    const { user, tab } = HomeOpened.parse(body)
    await openHome(core, user, tab)
    return {}
  }
  if (what === 'shortcut') {
    const { user, callbackId } = Shortcut.parse(body)
    await runShortcut(core, user, callbackId)
    return {}
  }
  if (what === 'message-shortcut') {
    const { user, callbackId, channel, ts } = MessageShortcut.parse(body)
    await runMessageShortcut(core, user, callbackId, { channel, ts })
    return {}
  }
  if (what === 'run-step') {
    const { user, callbackId, inputs } = RunStep.parse(body)
    return { id: await runStep(core, user, callbackId, inputs) }
  }
  if (what === 'kill') {
    if (panels.bot.status !== 'up') throw new Refusal('The bot is not running.')
    panels.bot.kill()
    return {}
  }
  if (what === 'pass-time') {
    panels.time.pass()
    return {}
  }
  if (what === 'switch') {
    const { of, id, value } = Switched.parse(body)
    if (of === 'slack') core.switches.set(id, value)
    else panels.simulators.find((simulator) => simulator.id === of)?.setSwitch(id, value)
    return {}
  }
  return undefined
}

function events(core: Core, panels: Panels, res: ServerResponse, wanted: string | null): void {
  // A page without a person, or with one of an earlier workspace, gets the first person.
  const { people } = core.backend
  const user = (people.find((person) => person.id === wanted) ?? people[0])?.id ?? ''
  // A new stream means a reload, which drops older ephemeral messages.
  const since = core.state.changes
  const send = () => res.write(`data: ${JSON.stringify(snapshot(core, panels, user, since))}\n\n`)
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  send()
  // One snapshot for all changes within one turn of the event loop.
  let isDue = false
  const stop = core.state.onChange(() => {
    if (isDue) return
    isDue = true
    setImmediate(() => {
      isDue = false
      if (!res.writableEnded && !res.destroyed) send()
    })
  })
  const keepAlive = setInterval(() => res.write(': still here\n\n'), KEEP_ALIVE_MS)
  keepAlive.unref()
  res.on('close', () => {
    clearInterval(keepAlive)
    stop()
  })
}
