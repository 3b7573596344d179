/** How requests reach Bolt's app, and the app itself, changed so that every request gets an answer. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { App, type Receiver, type ReceiverEvent } from '@slack/bolt'
import { isRecord } from '../../lib/record.js'
import { type Meter, noMeter, type SlackRequestKind } from '../../metrics/meter.js'

export interface SlackTransport {
  receiver: Receiver
  /** Why this process can't take or do what people ask for now, in a few words; undefined if it can. */
  whyNotReady(): string | undefined
  start(): Promise<void>
  /** Takes nothing new, and waits for what it has received, without a limit: its caller sets one. */
  stop(): Promise<void>
}

/** One of Slack's requests. */
export interface Arrival {
  /** When it began to arrive, in monotonic milliseconds. */
  at: number
}

/** A receiver that only keeps Bolt's app: requests go through `receive`, so that their errors come back to us. */
export function createReceiver(meter: Meter = noMeter): {
  receiver: Receiver
  receive(event: ReceiverEvent, arrival: Arrival): Promise<void>
  /** Resolves when every request that was received is acknowledged, or has failed. Without a limit. */
  acknowledged(): Promise<void>
  /** Resolves when none is being worked on: most of the work follows the acknowledgement. Without a limit. */
  settled(): Promise<void>
} {
  let app: App | undefined
  const unacknowledged = new Set<Promise<unknown>>()
  const inProgress = new Set<Promise<unknown>>()
  return {
    receiver: {
      init: (bolt) => {
        app = bolt
      },
      start: async () => undefined,
      stop: async () => undefined,
    },
    receive: async (event, arrival) => {
      let isMeasured = false
      let markAcknowledged = () => {}
      const acknowledged = new Promise<void>((resolve) => {
        markAcknowledged = resolve
      })
      const ack: ReceiverEvent['ack'] = async (answer) => {
        await event.ack(answer).finally(markAcknowledged)
        if (!isMeasured) meter.acknowledged(kindOf(event.body), performance.now() - arrival.at)
        isMeasured = true
      }
      const work = app?.processEvent({ ...event, ack })
      if (!work) return
      keepUntilSettled(unacknowledged, acknowledged)
      keepUntilSettled(inProgress, work)
      await work.finally(markAcknowledged)
    },
    acknowledged: () => allSettled(unacknowledged),
    settled: () => allSettled(inProgress),
  }
}

function keepUntilSettled(all: Set<Promise<unknown>>, promise: Promise<unknown>): void {
  const forget = () => void all.delete(promise)
  all.add(promise)
  promise.then(forget, forget)
}

/** Also waits for those that are added meanwhile. */
async function allSettled(all: ReadonlySet<Promise<unknown>>): Promise<void> {
  while (all.size > 0) await Promise.allSettled(all)
}

const KINDS: ReadonlyMap<unknown, SlackRequestKind> = new Map([
  ['view_submission', 'form'],
  ['view_closed', 'form'],
  ['block_actions', 'click'],
  ['block_suggestion', 'list'],
  ['shortcut', 'shortcut'],
  ['message_action', 'shortcut'],
])

function kindOf(body: Readonly<Record<string, unknown>>): SlackRequestKind {
  if (isWorkflowStep(body)) return 'workflow_step'
  if (isRecord(body.event)) return 'event'
  return typeof body.command === 'string' ? 'command' : (KINDS.get(body.type) ?? 'other')
}

/** Whether it is a step of a workflow: Slack sends it again until it is acknowledged, and its handler says when that is. */
export function isWorkflowStep(body: Readonly<Record<string, unknown>>): boolean {
  return isRecord(body.event) && body.event.type === 'function_executed'
}

/**
 * How long a request counts as about to be acknowledged, and how long a handler stands back behind such requests, in milliseconds.
 * A request that takes longer waits for a provider or the database, so standing back wouldn't speed it up. Handlers stand back
 * because what follows an acknowledgement, such as opening a form, takes ten times as long as the acknowledgement itself.
 */
const MAX_STAND_BACK_MS = 50

/** Answers requests without a handler, too, and acknowledges what has arrived before it goes on with anything else. */
export class BoltApp extends App {
  /** Requests that may still be about to be acknowledged, in order of arrival. */
  readonly #arrived = new Set<Arrival>()
  /** Resolves when the last handler that stands back goes on. */
  #lastInLine: Promise<void> = Promise.resolve()

  /**
   * Without an answer people see a spinner for three seconds, and then Slack says that Dolly is broken.
   *
   * @throws for a workflow's step that its handler didn't acknowledge, so that Slack sends it again.
   */
  override async processEvent(event: ReceiverEvent): Promise<void> {
    let isAnswered = false
    const arrival = { at: performance.now() }
    const ack: ReceiverEvent['ack'] = async (answer) => {
      this.#arrived.delete(arrival)
      isAnswered = true
      await event.ack(answer)
      await this.#standBack()
    }
    this.#arrived.add(arrival)
    try {
      await super.processEvent({ ...event, ack })
    } finally {
      this.#arrived.delete(arrival)
    }
    if (isAnswered) return
    if (isWorkflowStep(event.body)) throw new Error("A step of a workflow wasn't taken. Slack sends it again.")
    await event.ack()
  }

  /** Handlers go on one per turn of the event loop, so that a request that arrives meanwhile waits for one of them at most. */
  #standBack(): Promise<void> {
    const until = performance.now() + MAX_STAND_BACK_MS
    const previous = this.#lastInLine
    const waitInLine = async () => {
      await previous
      do await nextTurn()
      while (this.#hasJustArrived() && performance.now() < until)
    }
    this.#lastInLine = waitInLine()
    return this.#lastInLine
  }

  /** Whether any request is about to be acknowledged. Drops those that take longer, so that they aren't looked at again. */
  #hasJustArrived(): boolean {
    const earliest = performance.now() - MAX_STAND_BACK_MS
    for (const arrival of this.#arrived) {
      if (arrival.at > earliest) return true
      this.#arrived.delete(arrival)
    }
    return false
  }
}
