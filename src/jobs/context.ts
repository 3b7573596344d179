/** What all workers share: the database, the connections, the clocks, and what this process remembers between runs. */
import { LRUCache } from 'lru-cache'
import type { Job } from '../domain/job.js'
import type { Log } from '../lib/log.js'
import type { Meter } from '../metrics/meter.js'
import type { Connection } from '../providers/provider.js'
import type { Capabilities } from '../store/capabilities.js'
import type { Membership } from '../store/processes.js'
import type { Database } from '../store/schema.js'

export interface WorkerContext {
  db: Database
  connections: ReadonlyMap<string, Connection>
  /** This process's place among those that share the database. */
  membership: Membership
  /** Milliseconds since 1970: for rows and people. */
  now(): number
  /** Monotonic milliseconds; for durations, never timestamps. */
  elapsed(): number
  /** 0 to 1; spreads polls out in time. */
  random(): number
  log: Log
  /** Left out where nobody measures. */
  meter?: Meter
  memory: WorkerMemory
  /** Called whenever a connection refuses what only its operator can fix. */
  refused?(connection: string, reason: string): void
  /** Called with the jobs of each poll, right before the provider is asked. */
  polling?(jobs: readonly Job[]): void
}

/** What a process remembers between runs and may lose: after a restart no claim is left, and searches start again. */
export interface WorkerMemory {
  /** Claims that could not be given back, for instance because the disk was full. */
  unreleased: Set<string>
  /**
   * Running searches for lost writes, by attempt. One that is dropped starts again. Each process has its own, so when a job changes
   * processes it takes longer to conclude that a write is absent, never shorter.
   */
  searches: LRUCache<string, Search>
}

/** One search for a lost write, in monotonic milliseconds. */
export interface Search {
  since: number
  /** When this process last looked. */
  lastAt: number
  /** Since when every search that succeeded found nothing; null before the first. */
  absentSince: number | null
  /** Since when every search failed; null after one that succeeded. */
  failingSince: number | null
}

/** What this process can work on; undefined if it's the only one, so that nobody else could know what it doesn't. */
export function capabilitiesOf({ membership, connections }: WorkerContext): Capabilities | undefined {
  if (membership.owner === null) return undefined
  const all = [...connections.values()].flatMap(({ name, provider }) =>
    Object.entries(provider.operations).map(([id, { steps, removal }]) => ({ id: `${name} ${id}`, steps, removal })),
  )
  return {
    operations: all.map(({ id }) => id),
    steps: all.flatMap(({ id, steps, removal }) => [
      ...steps.map((step) => `${id} ${step.id}`),
      ...(removal?.steps ?? []).map((step) => `${id} - ${step.id}`),
    ]),
  }
}

export function newMemory(): WorkerMemory {
  return { unreleased: new Set(), searches: new LRUCache({ max: 10_000 }) }
}
