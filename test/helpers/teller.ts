/** The sender and its rounds over a test house, driven by the house's own clock. */
import { BOT } from '../../sandbox/slack/backend.js'
import { tellUntold } from '../../src/jobs/tell.js'
import type { Conversations } from '../../src/slack/history.js'
import { type Chat, Sender } from '../../src/slack/sender.js'
import type { TestHouse } from './house.js'

export interface Teller {
  /** One round; answers whether any thread was brought up to date. */
  round(): Promise<boolean>
  /** As many rounds as it takes, second by second or in longer steps, for so long. */
  tellFor(ms: number, stepMs?: number): Promise<void>
}

/** @param elapsed for tests that set the house's clock: milliseconds that pass whatever is done to it. */
export function tellerOf(
  house: TestHouse,
  chat: Chat,
  conversations?: Conversations,
  elapsed: () => number = house.now,
): Teller {
  const { db, now, log } = house
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
      usualMs: null,
      now: now(),
    }),
  })
  const { signal } = new AbortController()
  const round = () => tellUntold(house, (untold, stopping) => sender.tell(untold, stopping), signal)
  return {
    round,
    tellFor: async (ms, stepMs = 1_000) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        while (await round());
        house.pass(stepMs)
      }
    },
  }
}
