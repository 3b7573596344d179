/** After all faults are lifted: waits until every job has ended, and answers the questions to people. */
import { setTimeout as delay } from 'node:timers/promises'
import type { World } from './world.js'

/**
 * Longer than any provider's search for a lost write, and than a state that doesn't change is waited for: ten minutes, and five
 * more by a clock that was set back.
 */
const HEALED_WITHIN_MS = 17 * 60_000

/** A run that has begun is tried again by then. */
const SOON_MS = 10 * 60_000

interface OpenJob {
  id: string
  state: string
  requester: string
  connection: string
  operation: string
  step: string
}

const nameOf = ({ connection, operation, step, state }: OpenJob) => `${connection} ${operation}: ${step} is ${state}`

/** Until every job has ended, every message is posted, and no request is on its way. */
export async function waitForEnds(world: World, say: (line: string) => void): Promise<void> {
  const deadline = performance.now() + HEALED_WITHIN_MS
  const asked = new Set<string>()
  let sayAt = 0
  while (performance.now() < deadline) {
    await delay(500)
    const jobs = await world.rows<OpenJob>(
      'select id, state, requester, connection, operation, step from jobs where ended_at is null',
    )
    const [pending] = await world.rows<{ count: number }>(
      'select count(*) as count from events where notified_at is null',
    )
    const isQuiet = [...world.proxies.values()].every((proxy) => proxy.isQuiet())
    const due = 'select count(*) as count from schedules where due_at < ? and paused_at is null'
    const [runs] = await world.rows<{ count: number }>(due, `${Date.now() + SOON_MS}`)
    if (jobs.length === 0 && pending?.count === 0 && runs?.count === 0 && isQuiet) return
    if (performance.now() > sayAt) {
      say(`${pending?.count} events to post, ${jobs.length} jobs to end. ${jobs.map(nameOf).join(', ')}`)
      sayAt = performance.now() + 15_000
    }
    for (const job of jobs.filter(({ state }) => state === 'uncertain')) await answerFor(world, job, asked)
  }
  say(`Not all came to an end within ${HEALED_WITHIN_MS / 60_000} minutes.`)
}

/** The person checks again once, and dismisses the job if that doesn't help. */
async function answerFor(
  { workspace, messages }: World,
  job: { id: string; requester: string },
  asked: Set<string>,
): Promise<void> {
  const root = messages().findLast(({ blocks }) => JSON.stringify(blocks).includes(`job \`${job.id}\``))
  if (!root) return
  const action = asked.has(job.id) ? 'job:dismiss' : 'job:check_again'
  await workspace
    .as(job.requester)
    .click(root, action)
    .then(
      () => asked.add(job.id),
      () => undefined,
    )
}
