/** A person in the workspace, for tests: does what people do in Slack and waits for what they would see. */
import { z } from 'zod'
import type { Core } from './core.js'
import { answered, type Input, initialValues, inputsOf, merged } from './inputs.js'
import { act, dismiss, options, submit, write } from './interactions.js'
import { asList, asObject, asText, type Json } from './json.js'
import type { Message, Snapshot, StateValues, View } from './protocol.js'

const Option = z.looseObject({ text: z.looseObject({ text: z.string() }), value: z.string() })
/** An entry of a select's list. */
export type Option = z.infer<typeof Option>

/** What is typed, or the value or label of what is picked; several for a multi-select; true for a single check box. */
export type Answer = string | boolean | readonly string[]

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
  /** Resolves with the first of the person's messages that fits; rejects after `timeoutMs`. */
  waitForMessage(fits: (message: Message) => boolean, timeoutMs?: number): Promise<Message>
  /** Resolves with the top form as soon as it fits. */
  waitForView(fits?: (view: View) => boolean, timeoutMs?: number): Promise<View>
}

export function createPerson(core: Core, id: string, snapshot: () => Snapshot, waitFor: WaitFor): Actor {
  /** By view id: a browser keeps what was typed while block and action ids stay the same. */
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

  function valuesOf(view: View): StateValues {
    const kept = inputsOf(view.blocks).flatMap(({ blockId, actionId }) => {
      const state = typed.get(view.id)?.[blockId]?.[actionId]
      return state === undefined ? [] : [{ [blockId]: { [actionId]: state } }]
    })
    return merged([initialValues(view.blocks), ...kept])
  }

  async function listOf(view: View, { element, blockId, actionId }: Input, query: string): Promise<Option[]> {
    const isLive = asText(element.type).endsWith('external_select')
    const source = isLive ? await options(core, id, view.id, blockId, actionId, query) : element
    const all = source.options ?? asList(source.option_groups).flatMap((group) => asList(asObject(group).options))
    return z.array(Option).parse(all)
  }

  async function stateOf(view: View, one: Input, answer: Answer, query: string): Promise<Json> {
    const isPicked = /(static|external)_select$|^checkboxes$|^radio_buttons$/.test(asText(one.element.type))
    if (!isPicked) return answered(one.element, answer)
    const list = await listOf(view, one, query)
    const pick = (wanted: string) => {
      const option = list.find(({ value, text }) => value === wanted || text.text === wanted)
      if (option) return option
      throw new Error(`${one.blockId} offers no "${wanted}", only ${list.map(({ value }) => value).join(', ')}.`)
    }
    if (typeof answer === 'boolean') return answered(one.element, answer ? list.slice(0, 1) : [])
    if (typeof answer !== 'string') return answered(one.element, answer.map(pick))
    return answered(one.element, answer === '' ? '' : pick(answer))
  }

  async function choose(blockId: string, answer: Answer, query = ''): Promise<void> {
    const view = top()
    const one = input(view, blockId)
    const state = await stateOf(view, one, answer, query)
    typed.set(view.id, merged([typed.get(view.id) ?? {}, { [blockId]: { [one.actionId]: state } }]))
    if (one.block.type === 'input' && one.block.dispatch_action !== true) return
    const action = { ...state, block_id: blockId, action_id: one.actionId }
    await act(core, id, { viewId: view.id }, action, valuesOf(view))
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
    options: (blockId, query = '') => listOf(top(), input(top(), blockId), query),
    choose,
    async press(actionId) {
      const view = top()
      await act(core, id, { viewId: view.id }, buttonAction(view.blocks, actionId), valuesOf(view))
    },
    async submit(answers = {}) {
      for (const [blockId, answer] of Object.entries(answers)) await choose(blockId, answer)
      const view = top()
      return submit(core, id, view.id, valuesOf(view))
    },
    close: () => dismiss(core, id, top().id),
    async click({ channel, ts }, actionId) {
      const message = snapshot().messages.find((one) => one.channel === channel && one.ts === ts)
      if (!message) throw new Error(`There is no message ${ts}.`)
      await act(core, id, { channel, ts }, buttonAction(message.blocks, actionId), initialValues(message.blocks))
    },
    waitForMessage: (fits, timeoutMs) => waitFor(() => snapshot().messages.find(fits), timeoutMs),
    waitForView: (fits = () => true, timeoutMs) => waitFor(() => snapshot().views.slice(-1).find(fits), timeoutMs),
  }
}

function buttonAction(blocks: readonly unknown[], actionId: string): Json {
  const buttons = blocks.map(asObject).flatMap((block) =>
    [block.accessory, ...asList(block.elements)]
      .map(asObject)
      .filter((element) => element.type === 'button')
      .map((element): Json => ({ ...element, block_id: block.block_id })),
  )
  const button = buttons.find((one) => one.action_id === actionId)
  if (button) return button
  throw new Error(`There is no button ${actionId}, only ${buttons.map((one) => one.action_id).join(', ')}.`)
}
