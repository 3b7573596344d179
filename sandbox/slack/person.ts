/** A person in the workspace, for tests: does what people do in Slack and waits for what they would see. */
import { z } from 'zod'
import type { Core } from './core.js'
import { answered, elementsOf, type Input, initialValues, inputsOf, merged } from './inputs.js'
import { act, dismiss, openHome, options, type Source, submit, write } from './interactions.js'
import { asList, asObject, asText, type Json } from './json.js'
import type { HomePage, HomeTab, Message, Snapshot, StateValues, View } from './protocol.js'
import { runMessageShortcut, runShortcut } from './shortcuts.js'
import { runStep } from './steps.js'

const Option = z.looseObject({ text: z.looseObject({ text: z.string() }), value: z.string() })
/** An entry of a select's list. */
export type Option = z.infer<typeof Option>

/** What is typed, or the value or label of what is picked; several for a multi-select; true for a single check box. */
export type Answer = string | boolean | readonly string[]

/** Tells elements with the same action id apart. */
export interface Which {
  blockId?: string
  value?: string
}

/** Runs `find` now and after every change until it returns something; rejects after `timeoutMs`. */
export type WaitFor = <T>(find: () => T | undefined | null | false, timeoutMs?: number) => Promise<T>

export interface Actor {
  id: string
  /** Writes into a channel; text that starts with a slash is a command, and `/invite @dolly` works. */
  write(channel: string, text: string, threadTs?: string): Promise<void>
  /** Everything the person sees. */
  snapshot(): Snapshot
  /** What the channel shows: no replies, but ephemeral messages for this person. */
  messages(channel: string): Message[]
  /** The root and its replies. */
  thread(channel: string, ts: string): Message[]
  topView(): View | undefined
  /** What the top form holds now, typed or initial. */
  values(): StateValues
  /** The live list of a select, groups flattened. */
  options(blockId: string, query?: string): Promise<Option[]>
  /** Fills in one input of the top form; the bot is notified if the block dispatches actions. `query` filters the list. */
  choose(blockId: string, answer: Answer, query?: string): Promise<void>
  /** Presses a button of the top form. */
  press(actionId: string): Promise<void>
  /** Fills in and submits the top form. Returns the errors beside the fields, empty when it was taken. */
  submit(answers?: Readonly<Record<string, Answer>>): Promise<Record<string, string>>
  /** Closes the top form without submitting. */
  close(): Promise<void>
  /** Presses a button of a message, also an ephemeral one. */
  click(message: { channel: string; ts: string }, actionId: string): Promise<void>
  /** Chooses in a message: a select, a date, a radio button, or an entry of an overflow menu. */
  pick(message: { channel: string; ts: string }, actionId: string, answer: Answer): Promise<void>
  /** Uses a global shortcut of the app. */
  shortcut(callbackId: string): Promise<void>
  /** Uses a shortcut from a message's menu. */
  messageShortcut(message: { channel: string; ts: string }, callbackId: string): Promise<void>
  /** Starts a workflow with this step of the manifest's. Resolves with the execution's id; see the workspace's `runs`. */
  runStep(callbackId: string, inputs: Readonly<Record<string, unknown>>): Promise<string>
  /** Opens a tab of the app's home, as a click on the app does; the bot gets `app_home_opened`. Default: home. */
  openHome(tab?: HomeTab): Promise<void>
  /** What the app published on the Home tab. */
  home(): HomePage | null
  /** Resolves with the Home tab as soon as it fits. */
  waitForHome(fits?: (home: HomePage) => boolean, timeoutMs?: number): Promise<HomePage>
  /** Presses a button of the Home tab; of several with this action id, the one in the block, or with the value. */
  pressHome(actionId: string, which?: Which): Promise<void>
  /** Chooses on the Home tab: a select, a date, an entry of an overflow menu, or what is typed into an input. */
  pickHome(actionId: string, answer: Answer, which?: Which): Promise<void>
  /** Resolves with the first of the person's messages that fits; rejects after `timeoutMs`. */
  waitForMessage(fits: (message: Message) => boolean, timeoutMs?: number): Promise<Message>
  /** Resolves with the top form as soon as it fits. */
  waitForView(fits?: (view: View) => boolean, timeoutMs?: number): Promise<View>
}

export function createPerson(core: Core, id: string, snapshot: () => Snapshot, waitFor: WaitFor): Actor {
  /** By the id of the view or the ts of the message: a browser keeps what was typed while block and action ids stay the same. */
  const typed = new Map<string, StateValues>()

  function top(): View {
    const view = snapshot().views.at(-1)
    if (!view) throw new Error('No form is open.')
    return view
  }

  function input(view: View, blockId: string): Input {
    const found = inputsOf(view.blocks).find((one) => one.blockId === blockId)
    if (found) return found
    const there = inputsOf(view.blocks).map((one) => one.blockId)
    throw new Error(`The form "${view.title.text}" has no input ${blockId}, only ${there.join(', ')}.`)
  }

  function valuesOf(view: { id: string; blocks: readonly unknown[] }): StateValues {
    const kept = inputsOf(view.blocks).flatMap(({ blockId, actionId }) => {
      const state = typed.get(view.id)?.[blockId]?.[actionId]
      return state === undefined ? [] : [{ [blockId]: { [actionId]: state } }]
    })
    return merged([initialValues(view.blocks), ...kept])
  }

  async function listOf(viewId: string | undefined, { element, blockId, actionId }: Input, query: string) {
    const isLive = asText(element.type).endsWith('external_select')
    const source = isLive ? await options(core, id, viewId ?? '', blockId, actionId, query) : element
    const all = source.options ?? asList(source.option_groups).flatMap((group) => asList(asObject(group).options))
    return z.array(Option).parse(all)
  }

  async function stateOf(viewId: string | undefined, one: Input, answer: Answer, query: string): Promise<Json> {
    const isPicked = /(static|external)_select$|^checkboxes$|^radio_buttons$|^overflow$/.test(asText(one.element.type))
    if (!isPicked) return answered(one.element, answer)
    const list = await listOf(viewId, one, query)
    const pick = (wanted: string) => {
      const option = list.find(({ value, text }) => value === wanted || text.text === wanted)
      if (option) return option
      throw new Error(`${one.blockId} offers no "${wanted}", only ${list.map(({ value }) => value).join(', ')}.`)
    }
    if (typeof answer === 'boolean') return answered(one.element, answer ? list.slice(0, 1) : [])
    if (typeof answer !== 'string') return answered(one.element, answer.map(pick))
    return answered(one.element, answer === '' ? '' : pick(answer))
  }

  /** Keeps the choice for the values of later actions on the same view or message. */
  function keep(key: string, one: Input, state: Json): void {
    typed.set(key, merged([typed.get(key) ?? {}, { [one.blockId]: { [one.actionId]: state } }]))
  }

  async function choose(blockId: string, answer: Answer, query = ''): Promise<void> {
    const view = top()
    const one = input(view, blockId)
    const state = await stateOf(view.id, one, answer, query)
    keep(view.id, one, state)
    if (one.block.type === 'input' && one.block.dispatch_action !== true) return
    const action = { ...state, block_id: blockId, action_id: one.actionId }
    await act(core, id, { viewId: view.id }, action, valuesOf(view))
  }

  async function pick(place: Place, actionId: string, answer: Answer, which?: Which): Promise<void> {
    const one = found(place.blocks, actionId, which)
    const key = 'viewId' in place.source ? place.source.viewId : place.source.ts
    const state = await stateOf('viewId' in place.source ? key : undefined, one, answer, '')
    if (one.element.type !== 'overflow') keep(key, one, state)
    if (one.block.type === 'input' && one.block.dispatch_action !== true) return
    const action = { ...state, block_id: one.blockId, action_id: one.actionId }
    await act(core, id, place.source, action, valuesOf({ id: key, blocks: place.blocks }))
  }

  async function press(place: Place, actionId: string, which?: Which): Promise<void> {
    const { element, blockId } = found(place.blocks, actionId, which, ({ type }) => type === 'button')
    const key = 'viewId' in place.source ? place.source.viewId : place.source.ts
    const values = valuesOf({ id: key, blocks: place.blocks })
    await act(core, id, place.source, { ...element, block_id: blockId }, values)
  }

  function messageAt({ channel, ts }: { channel: string; ts: string }): Place {
    const message = snapshot().messages.find((one) => one.channel === channel && one.ts === ts)
    if (!message) throw new Error(`There is no message ${ts}.`)
    return { blocks: message.blocks, source: { channel, ts } }
  }

  function homeTab(): Place {
    const { home } = snapshot()
    if (!home) throw new Error('The app has published no Home tab for this person.')
    return { blocks: home.blocks, source: { viewId: home.id } }
  }

  const ofThread = (ts: string) => (message: Message) => message.ts === ts || message.threadTs === ts

  return {
    id,
    write: (channel, text, threadTs) => write(core, id, channel, text, threadTs),
    snapshot,
    messages: (channel) =>
      snapshot().messages.filter((one) => one.channel === channel && (one.threadTs ?? one.ts) === one.ts),
    thread: (channel, ts) => snapshot().messages.filter((one) => one.channel === channel && ofThread(ts)(one)),
    topView: () => snapshot().views.at(-1),
    values: () => valuesOf(top()),
    options: (blockId, query = '') => listOf(top().id, input(top(), blockId), query),
    choose,
    press: (actionId) => press({ blocks: top().blocks, source: { viewId: top().id } }, actionId),
    async submit(answers = {}) {
      for (const [blockId, answer] of Object.entries(answers)) await choose(blockId, answer)
      const view = top()
      return submit(core, id, view.id, valuesOf(view))
    },
    close: () => dismiss(core, id, top().id),
    click: async (message, actionId) => press(messageAt(message), actionId),
    pick: async (message, actionId, answer) => pick(messageAt(message), actionId, answer),
    shortcut: (callbackId) => runShortcut(core, id, callbackId),
    messageShortcut: (message, callbackId) => runMessageShortcut(core, id, callbackId, message),
    runStep: (callbackId, inputs) => runStep(core, id, callbackId, inputs),
    openHome: (tab = 'home') => openHome(core, id, tab),
    home: () => snapshot().home,
    waitForHome: (fits = () => true, timeoutMs) =>
      waitFor(() => {
        const { home } = snapshot()
        return home && fits(home) ? home : undefined
      }, timeoutMs),
    pressHome: async (actionId, which) => press(homeTab(), actionId, which),
    pickHome: async (actionId, answer, which) => pick(homeTab(), actionId, answer, which),
    waitForMessage: (fits, timeoutMs) => waitFor(() => snapshot().messages.find(fits), timeoutMs),
    waitForView: (fits = () => true, timeoutMs) => waitFor(() => snapshot().views.slice(-1).find(fits), timeoutMs),
  }
}

/** What a person works on: a form, the Home tab or a message. */
interface Place {
  blocks: readonly unknown[]
  source: Source
}

/** @throws Error that names what is there instead. */
function found(
  blocks: readonly unknown[],
  actionId: string,
  { blockId, value }: Which = {},
  fits: (element: Json) => boolean = () => true,
): Input {
  const all = elementsOf(blocks).filter(({ element }) => fits(element))
  const one = all.find(
    (each) =>
      each.actionId === actionId &&
      (blockId === undefined || each.blockId === blockId) &&
      (value === undefined || each.element.value === value),
  )
  if (one) return one
  const there = all.map((each) => each.actionId).join(', ')
  throw new Error(`There is no ${actionId} ${value ?? blockId ?? ''} here, only ${there || 'nothing'}.`)
}
