import { openDatabase } from '../../src/store/database.js'
import { testContext } from '../../test/helpers/context.js'
import { notifierOf } from '../../test/helpers/sender.js'
import { strictSlack } from '../../test/helpers/strict-slack.js'
import type { Row } from '../row.js'

/** Until all jobs end after they were asked for, in milliseconds. */
const ENDED_AFTER_MS = 60_000
/** No longer than a burst lasts, so that nothing of Slack's pace is wasted. */
const STEP_MS = 4_000

export const row: Row = {
  title: '1,000 jobs ending in one channel',
  maxMs: 150_000,
  async measure({ isQuick }) {
    const jobs = isQuick ? 50 : 1_000
    const context = await testContext({ db: await openDatabase(':memory:') })
    const slack = strictSlack(context.now)
    const notifier = notifierOf(context, slack.chat)
    const askedAt = context.now()
    const ids: string[] = []
    for (let count = 0; count < jobs; count += 1) ids.push((await context.ask({ mentionOnSuccess: true })).id)
    await context.runUntilIdle()
    await notifier.notifyFor(ENDED_AFTER_MS, STEP_MS)
    context.world.observation = { phase: 'done' }
    await context.runUntilIdle()
    const limitMs = 2 * jobs * 1_000
    for (let left = await countPending(); left > 0; left = await countPending()) {
      if (context.now() - askedAt > 2 * limitMs) throw new Error(`${left} events were not told in twice the time.`)
      await notifier.notifyFor(ENDED_AFTER_MS, STEP_MS)
    }

    async function countPending(): Promise<number> {
      const { count } = await context.db
        .selectFrom('events')
        .where('notifiedAt', 'is', null)
        .select((event) => event.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    }

    const messages = slack.messages()
    const roots = messages.filter(({ threadTs }) => threadTs === undefined)
    const shown = roots.filter(({ text, ts }) => {
      const replies = slack.thread(ts).filter((reply) => reply.text.includes('is running after'))
      return text.includes('is running (') && replies.length === 1
    })
    if (shown.length !== jobs) throw new Error(`Of ${jobs} threads ${shown.length} show the end, once.`)
    const lastAt = Math.max(...messages.map(({ at }) => at))
    await context.db.destroy()
    return [
      {
        what: 'from the first request to the last message',
        ours: (lastAt - askedAt) / 1_000,
        theirs: limitMs / 1_000,
        unit: 's',
        against: 'one message a second, two for each job',
        goal: { atMost: 1.05 },
        why: `By a clock that is stepped, because it would take half an hour: all are asked for at once and end a minute later. ${(messages.length / jobs).toFixed(2)} messages for each job and ${slack.refusals.length} answers of 429. Each thread shows the end, once.`,
      },
    ]
  },
}
