/** The notifier and the sender over a test context, driven by the context's own clock. */
import { sql } from 'kysely'
import { BOT } from '../../sandbox/slack/backend.js'
import { Notifier } from '../../src/jobs/notify.js'
import { InMemoryRateLimiter, type RateLimiter } from '../../src/lib/rate-limiter.js'
import type { Conversations } from '../../src/slack/delivery/lookup.js'
import type { Chat } from '../../src/slack/delivery/requests.js'
import { createSender } from '../../src/slack/delivery/sender.js'
import { applyTransition } from '../../src/store/jobs.js'
import type { Database } from '../../src/store/schema.js'
import type { TestContext } from './context.js'

/** Writes an event that the job's thread gets a reply about: "Dummy is answering again." */
export async function addReply(context: TestContext, jobId: string): Promise<void> {
  const event = { kind: 'reachable' } as const
  await applyTransition(context.db, await context.job(jobId), { set: {}, event }, context.now(), null)
}

export interface TestNotifier {
  /** Works once through the pending threads; answers whether any was brought up to date. */
  run(): Promise<boolean>
  /**
   * As many runs as it takes, second by second or in longer steps, for so many milliseconds. Steps at which nothing is due are
   * skipped.
   */
  notifyFor(ms: number, stepMs?: number): Promise<void>
}

/** @param elapsed for tests that set the workers' clock: monotonic milliseconds. */
export function notifierOf(
  context: TestContext,
  chat: Chat,
  conversations?: Conversations,
  elapsed: () => number = context.now,
  rateLimiter: RateLimiter = new InMemoryRateLimiter(elapsed),
): TestNotifier {
  const { db, now, log, meter } = context
  const send = createSender({
    db,
    now,
    elapsed,
    rateLimiter,
    log,
    ...(meter && { meter }),
    chat,
    self: async () => ({ botId: BOT.botId, botUserId: BOT.id }),
    ...(conversations ? { conversations } : {}),
    confirmWithinMs: 0,
    describe: async (job) => ({
      job,
      title: 'Clone a thing',
      provider: 'Dummy',
      steps: new Map([['clone', { title: 'Clone the thing', doing: 'Cloning the thing' }]]),
      hasRemoval: true,
      typicalMs: null,
      now: now(),
    }),
  })
  const { signal } = new AbortController()
  const notifier = new Notifier(context, send)
  const run = async () => await notifier.notifyPending(signal)
  return {
    run,
    notifyFor: async (ms, stepMs = 1_000) => {
      let passed = 0
      while (passed < ms) {
        while (await run());
        const waitMs = Math.min((await nextDueAt(db)) - now(), ms - passed)
        const stepsMs = Math.max(Math.ceil(waitMs / stepMs), 1) * stepMs
        context.pass(stepsMs)
        passed += stepsMs
      }
      // Nothing may be due then either.
      if ((await nextDueAt(db)) === Number.POSITIVE_INFINITY) await run()
    },
  }
}

/** When the next thread that doesn't show everything yet is due. */
async function nextDueAt(db: Database): Promise<number> {
  const pending = db.selectFrom('events').select('jobId').where('notifiedAt', 'is', null)
  const { dueAt } = await db
    .selectFrom('messages')
    .select((message) => message.fn.min(message.fn.coalesce('dueAt', sql.lit(0))).as('dueAt'))
    .where('key', '=', 'root')
    .where('jobId', 'in', pending)
    .executeTakeFirstOrThrow()
  return dueAt ?? Number.POSITIVE_INFINITY
}
