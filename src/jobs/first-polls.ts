/** How soon after a start every running job is polled: what a restart costs the people who wait. */
import type { WorkerContext } from './context.js'

/**
 * Logs once how many milliseconds after the start the last of these jobs got its first poll.
 *
 * @param startedAt when this process got the database, as `elapsed` counts.
 * @returns what to call with the jobs of each poll.
 */
export function logFirstPolls(
  running: readonly string[],
  startedAt: number,
  { elapsed, log }: Pick<WorkerContext, 'elapsed' | 'log'>,
): NonNullable<WorkerContext['polling']> {
  const left = new Set(running)
  return (jobs) => {
    if (left.size === 0) return
    for (const { id } of jobs) left.delete(id)
    if (left.size > 0) return
    const ms = Math.round(elapsed() - startedAt)
    log.info({ jobs: running.length, ms }, 'every running job was polled after the start')
  }
}
