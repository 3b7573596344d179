/** Which rounds a house goes, each a worker of its own: what is slow in one holds up no other. */
import type { Round } from './clock.js'
import type { House } from './house.js'
import { settleLostWrites, writeNextJob } from './run.js'
import { type Tell, tellUntold } from './tell.js'
import { tendWaitingJobs } from './waiting.js'
import { watchDueJobs } from './watch.js'

/** One slow answer must not hold up all other writes of its connection. */
const usualWritesAtOnce = 4

/** A round, and the name under which it claims jobs. */
export interface WorkersRound extends Round {
  worker: string
}

/**
 * For each connection as many rounds as it may have writes under way, one for lost writes and one for looks; one for jobs
 * that wait for something else; and one that tells. A claim belongs to a round and not to its process: a write that was stopped for long must not pass for renewed
 * because another round of the same process has taken the job up meanwhile.
 */
export function roundsOf(house: House, tell: Tell): WorkersRound[] {
  const round = (name: string, go: (house: House, ...given: Parameters<Round['go']>) => Promise<boolean>) => {
    const own = { ...house, worker: `${house.worker} ${name}` }
    return { name, worker: own.worker, go: (...given: Parameters<Round['go']>) => go(own, ...given) }
  }
  const ofConnections = [...house.connections.values()].flatMap(({ name, provider }) => [
    ...Array.from({ length: provider.writesAtOnce ?? usualWritesAtOnce }, (_, slot) =>
      round(`write ${slot + 1} at ${name}`, (own) => writeNextJob(own, name)),
    ),
    round(`settle ${name}`, (own) => settleLostWrites(own, name)),
    round(`watch ${name}`, (own) => watchDueJobs(own, name)),
  ])
  return [
    ...ofConnections,
    round('waiting', (own) => tendWaitingJobs(own)),
    round('tell', (own, stopping, againIn) => tellUntold(own, tell, stopping, againIn)),
  ]
}
