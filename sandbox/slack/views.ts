/** Forms on a person's screen: opened, stacked, changed and closed, by the Web API or by the answer to a submission. */
import { checkedView, refusal } from './checks.js'
import { type Core, perform } from './core.js'
import { asObject, asText, type Json } from './json.js'
import { HomeView, SlackView } from './state.js'

/** Slack's limit for stacked views. */
const DEEPEST = 3

/** Shows a first form. Returns the answer of `views.open`, like the functions below. */
export function openView(core: Core, user: string, view: unknown): Promise<Json> {
  return show(core, user, view, undefined)
}

/** Shows a form above the person's topmost one. */
export async function pushView(core: Core, user: string, view: unknown): Promise<Json> {
  const stack = core.state.stack(user)
  const top = stack.at(-1)
  if (!top) return { ok: false, error: 'view_not_found' }
  if (stack.length >= DEEPEST) return { ok: false, error: 'push_limit_reached' }
  return show(core, user, view, top)
}

async function show(core: Core, user: string, view: unknown, below: SlackView | undefined): Promise<Json> {
  const checked = checkedView(view)
  if (checked.refusal) return checked.refusal
  // emulate's own push counts closed forms as well, so a pushed one is opened there and stacked here.
  const trigger = await core.backend.call('views.generateTriggerId', { user_id: user })
  const answer = await perform(core, 'views.open', { trigger_id: trigger.trigger_id, view: checked.view })
  if (answer.ok !== true) return answer
  const shown = SlackView.parse(answer.view)
  const placed = below ? { ...shown, root_view_id: below.root_view_id, previous_view_id: below.id } : shown
  core.state.setStack(user, below ? [...core.state.stack(user), placed] : [placed])
  return { ...answer, view: placed }
}

/** Replaces an open form by id; with a `hash` only if it is still that version. */
export async function updateView(core: Core, body: Json): Promise<Json> {
  const checked = checkedView(body.view)
  if (checked.refusal) return checked.refusal
  const open = core.state.findView(body)
  if (!open) return { ok: false, error: 'not_found' }
  const answer = await perform(core, 'views.update', { view_id: open.view.id, hash: body.hash, view: checked.view })
  if (answer.ok !== true) return answer
  const { root_view_id, previous_view_id } = open.view
  const updated = { ...SlackView.parse(answer.view), root_view_id, previous_view_id }
  core.state.setStack(
    open.user,
    core.state.stack(open.user).map((view) => (view.id === updated.id ? updated : view)),
  )
  return { ...answer, view: updated }
}

/** Sets what a person's Home tab shows, whether or not it is open; with a `hash` only if it is still that version. */
export async function publishView(core: Core, body: Json): Promise<Json> {
  const checked = checkedView(body.view)
  if (checked.refusal) return checked.refusal
  const { home_tab_enabled: isEnabled } = core.manifest.features.app_home
  if (checked.view.type === 'home' && !isEnabled) return { ok: false, error: 'not_enabled' }
  if (checked.view.type !== 'home')
    return refusal('invalid_arguments', ['unsupported type: modal [json-pointer:/view/type]'])
  const answer = await perform(core, 'views.publish', { ...body, view: checked.view })
  if (answer.ok === true) core.state.setHome(asText(body.user_id), HomeView.parse(answer.view))
  return answer
}

/** Takes a form off the screen; `all` takes the whole stack. */
export async function closeView(core: Core, user: string, view: SlackView, all = false): Promise<void> {
  const gone = all ? core.state.stack(user) : [view]
  core.state.setStack(
    user,
    core.state.stack(user).filter((one) => !gone.some((other) => other.id === one.id)),
  )
  // emulate never deletes a view, but the external id of a closed one must be free again.
  for (const { id, type, title, blocks, external_id } of gone) {
    if (external_id) await core.backend.call('views.update', { view_id: id, view: asObject({ type, title, blocks }) })
  }
}
