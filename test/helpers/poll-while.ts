/** A provider that takes its time to answer a poll. */
import { expect } from 'vitest'
import { pollDueJobs } from '../../src/jobs/poll.js'
import type { TestContext } from './context.js'

/**
 * Polls the due jobs, and does something else before the provider answers.
 *
 * @param meanwhile may let it answer sooner.
 * @returns whether any job was moved.
 */
export async function pollWhile(
  context: TestContext,
  meanwhile: (answer: () => void) => Promise<unknown>,
): Promise<boolean> {
  const { world } = context
  let answer = () => {}
  world.held = new Promise<void>((resolve) => {
    answer = resolve
  })
  const before = world.polls
  const polled = pollDueJobs(context, 'dummy-one')
  await expect.poll(() => world.polls).toBe(before + 1)
  try {
    await meanwhile(answer)
  } finally {
    answer()
  }
  return await polled
}
