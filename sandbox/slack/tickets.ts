/** The two short-lived things Slack gives to apps: trigger ids and response URLs. */
import { randomBytes } from 'node:crypto'

const TRIGGER_MS = 3000
const RESPONSE_URL_MS = 30 * 60_000
const RESPONSE_URL_USES = 5

/** Who a trigger lets the bot show a form to, and on top of which view if it came from one. */
interface Trigger {
  user: string
  viewId?: string
}

/** Trigger ids as at Slack: valid once, within three seconds. */
export function createTriggers(now: () => number) {
  const issued = new Map<string, Trigger & { at: number; isUsed: boolean }>()
  return {
    issue(trigger: Trigger): string {
      const id = `${now()}.${issued.size}.${randomBytes(8).toString('hex')}`
      issued.set(id, { ...trigger, at: now(), isUsed: false })
      return id
    },
    /** The trigger, or Slack's error code. */
    redeem(id: string): Trigger | { error: string } {
      const trigger = issued.get(id)
      if (!trigger) return { error: 'invalid_trigger_id' }
      if (trigger.isUsed) return { error: 'exchanged_trigger_id' }
      if (now() - trigger.at > TRIGGER_MS) return { error: 'expired_trigger_id' }
      trigger.isUsed = true
      return trigger
    },
  }
}

/** Who sees an answer through a response URL, and where. */
export interface ResponseContext {
  user: string
  channel: string
  /** The message whose button was pressed. */
  messageTs?: string
}

/** Response URLs as at Slack: valid five times, within thirty minutes. */
export function createResponseUrls(now: () => number) {
  const issued = new Map<string, ResponseContext & { at: number; uses: number }>()
  return {
    /** The id, which is the last part of the URL. */
    issue(context: ResponseContext): string {
      const id = randomBytes(16).toString('hex')
      issued.set(id, { ...context, at: now(), uses: 0 })
      return id
    },
    /** What the id stands for, or Slack's error code. Counts as a use. */
    use(id: string): ResponseContext | { error: string } {
      const context = issued.get(id)
      if (!context || now() - context.at > RESPONSE_URL_MS) return { error: 'expired_url' }
      if (context.uses >= RESPONSE_URL_USES) return { error: 'used_url' }
      context.uses += 1
      return context
    },
  }
}
