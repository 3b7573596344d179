/** Bolt's app behind a door at which every request gets an answer, also one that nobody knows. */
import { App, type ReceiverEvent } from '@slack/bolt'

export class BoltApp extends App {
  /** Without an answer a person stares at a spinner for three seconds, and Slack then says that Dolly is broken. */
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
