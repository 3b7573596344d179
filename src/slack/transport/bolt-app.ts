/** Bolt's app, changed so that every request gets an answer, even one without a handler. */
import { App, type ReceiverEvent } from '@slack/bolt'

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
