/** The sender and its rounds over a test context, driven by the context's own clock. */
import { BOT } from '../../sandbox/slack/backend.js'
import { notifyPending } from '../../src/jobs/notify.js'
import type { Conversations } from '../../src/slack/delivery/lookup.js'
import { type Chat, Sender } from '../../src/slack/delivery/sender.js'
import type { TestContext } from './context.js'

export interface Teller {
  /** One round; answers whether any thread was brought up to date. */
  round(): Promise<boolean>
  /** As many rounds as it takes, second by second or in longer steps, for so long. */
  tellFor(ms: number, stepMs?: number): Promise<void>
}

/** @param elapsed for tests that set the workers' clock: milliseconds that pass whatever is done to it. */
export function tellerOf(
  context: TestContext,
  chat: Chat,
  conversations?: Conversations,
  elapsed: () => number = context.now,
): Teller {
  const { db, now, log } = context
  const sender = new Sender({
    db,
    now,
    elapsed,
    log,
    chat,
    self: async () => ({ botId: BOT.botId, botUserId: BOT.id }),
    ...(conversations ? { conversations } : {}),
    describe: async (job) => ({
      job,
      title: 'Clone a thing',
      provider: 'Dummy',
      steps: new Map([['clone', 'Clone the thing']]),
      typicalMs: null,
      now: now(),
    }),
  })
  const { signal } = new AbortController()
  const round = () => notifyPending(context, (untold, stopping) => sender.tell(untold, stopping), signal)
  return {
    round,
    tellFor: async (ms, stepMs = 1_000) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        while (await round());
        context.pass(stepMs)
      }
    },
  }
}
