/** How requests reach Bolt's app, and the app itself, changed so that every request gets an answer. */
import { App, type Receiver, type ReceiverEvent } from '@slack/bolt'

export interface SlackTransport {
  receiver: Receiver
  start(): Promise<void>
  stop(): Promise<void>
}

/** A receiver that only keeps Bolt's app: requests go through `receive`, so that their errors come back to us. */
export function createReceiver(): { receiver: Receiver; receive(event: ReceiverEvent): Promise<void> } {
  let app: App | undefined
  return {
    receiver: {
      init: (bolt) => {
        app = bolt
      },
      start: async () => undefined,
      stop: async () => undefined,
    },
    receive: async (event) => await app?.processEvent(event),
  }
}

/** Answers requests without a handler, too. */
export class BoltApp extends App {
  /** Without an answer people see a spinner for three seconds, and then Slack says that Dolly is broken. */
  override async processEvent(event: ReceiverEvent): Promise<void> {
    let isAnswered = false
    const ack: ReceiverEvent['ack'] = async (answer) => {
      isAnswered = true
      await event.ack(answer)
    }
    await super.processEvent({ ...event, ack })
    if (!isAnswered) await event.ack()
  }
}
