/** Which rounds a context goes, each a worker of its own: what is slow in one holds up no other. */

import type { WorkerContext } from './context.js'
import { notifyPending, type Tell } from './notify.js'
import { pollDueJobs } from './poll.js'
import type { Round } from './scheduler.js'
import { handleWaitingJobs } from './waiting.js'
import { reconcileLostWrites, writeNextJob } from './write.js'

/** One slow answer must not hold up all other writes of its connection. */
const DEFAULT_MAX_CONCURRENT_WRITES = 4

/** A round, and the name under which it claims jobs. */
export interface WorkersRound extends Round {
  worker: string
}

/**
 * For each connection as many rounds as it may have writes under way, one for lost writes and one for looks; one for jobs
 * that wait for something else; and one that tells. A claim belongs to a round and not to its process: a write that was stopped for long must not pass for renewed
 * because another round of the same process has taken the job up meanwhile.
 */
export function roundsOf(context: WorkerContext, tell: Tell): WorkersRound[] {
  const round = (name: string, go: (context: WorkerContext, ...given: Parameters<Round['go']>) => Promise<boolean>) => {
    const own = { ...context, worker: `${context.worker} ${name}` }
    return { name, worker: own.worker, go: (...given: Parameters<Round['go']>) => go(own, ...given) }
  }
  const ofConnections = [...context.connections.values()].flatMap(({ name, provider }) => [
    ...Array.from({ length: provider.maxConcurrentWrites ?? DEFAULT_MAX_CONCURRENT_WRITES }, (_, slot) =>
      round(`write ${slot + 1} at ${name}`, (own) => writeNextJob(own, name)),
    ),
    round(`settle ${name}`, (own) => reconcileLostWrites(own, name)),
    round(`watch ${name}`, (own) => pollDueJobs(own, name)),
  ])
  return [
    ...ofConnections,
    round('waiting', (own) => handleWaitingJobs(own)),
    round('tell', (own, stopping, againIn) => notifyPending(own, tell, stopping, againIn)),
  ]
}
