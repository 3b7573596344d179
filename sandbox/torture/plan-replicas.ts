/** Pure: a seed → which of several replicas dies when, and what else goes wrong meanwhile. */
import {
  type Fault,
  IMPATIENT,
  type KillTime,
  type Mode,
  planClock,
  planHold,
  planKillTime,
  planLong,
  planOutsideFault,
  planSilence,
} from './plan.js'
import type { Random } from './random.js'

/** One kill of a replica and what leads up to it. */
export interface ReplicaKill {
  /** How Slack reaches the replicas. */
  mode: Mode
  /** Which replica dies, unless the kill time picks the one that just wrote. */
  victim: number
  /** One that isn't killed now, so that it's there for long enough to take over from the others. */
  spared: number | undefined
  killTime: KillTime
  faults: readonly Fault[]
}

/** All start at once on an empty database, and one is killed some time after that. */
export interface SharedStart {
  victim: number
  afterMs: number
}

const STARTS_PER_KILL = 0.03
const MIN_STARTS = 1
/** Kills in a row in one mode, with the same one spared. */
const MAX_STRETCH = 20
/** Every so many kills a replica freezes. */
const FREEZE_EVERY = 4
/** Every so many kills Postgres restarts at once, and is away for long. */
const RESTART_EVERY = 100
const LONG_AWAY_MS = 14_000
/** A write of 50 seconds, with Postgres away for a part of it, and time to see what comes of it. In milliseconds. */
const SLOW_WRITE_MS = 55_000

export function planSharedStarts(random: Random, kills: number, replicas: number): SharedStart[] {
  const count = Math.min(kills, Math.max(MIN_STARTS, Math.round(kills * STARTS_PER_KILL)))
  return Array.from({ length: count }, () => ({
    victim: random.between(0, replicas - 1),
    afterMs: random.between(300, 2_500),
  }))
}

export function planReplicaKills(random: Random, kills: number, replicas: number): ReplicaKill[] {
  const stretch = Math.min(MAX_STRETCH, Math.ceil(kills / 2))
  const times = Math.max(1, Math.round(kills / RESTART_EVERY))
  const isAt = (share: number, index: number) =>
    Array.from({ length: times }, (_, at) => Math.floor(((at + share) * kills) / times)).includes(index)
  let spared: number | undefined
  return Array.from({ length: kills }, (_, index): ReplicaKill => {
    const round = Math.floor(index / stretch)
    if (index % stretch === 0) spared = random.chance(0.6) ? random.between(0, replicas - 1) : undefined
    const mode = round % 2 === 0 ? 'http' : 'socket'
    const victims = Array.from({ length: replicas }, (_, which) => which).filter((which) => which !== spared)
    const victim = random.pick(victims as [number, ...number[]])
    const silence = mode === 'socket' && random.chance(0.3) ? planSilence(random) : undefined
    const isSlow = isAt(0.6, index) && kills >= RESTART_EVERY / 2
    const killTime = isSlow
      ? planLong(random, SLOW_WRITE_MS, SLOW_WRITE_MS)
      : silence
        ? planLong(random, 9_000, 12_000)
        : withPatience(planKillTime(random))
    const outside = [random.chance(0.85), random.chance(0.5), random.chance(0.2)].filter(Boolean)
    const own = [
      ...(index % FREEZE_EVERY === 1 ? [planFreeze(random, replicas)] : []),
      ...(random.chance(0.1) ? [planClockOfOthers(random, replicas)] : []),
      ...(random.chance(0.05) ? [planCut(random)] : []),
      ...(random.chance(0.02) ? [planAway(random)] : []),
      ...(isAt(0.3, index) ? [{ kind: 'away', from: 'now', forMs: 0 } as const] : []),
      ...(isSlow ? [{ kind: 'away', from: 'slow write', forMs: LONG_AWAY_MS } as const] : []),
    ]
    return {
      ...{ mode, victim, spared, killTime },
      faults: [
        ...(silence ? [silence] : []),
        ...(killTime.at === 'time-out' ? [planHold(random, random.pick(IMPATIENT))] : []),
        ...outside.map(() => planOutsideFault(random)),
        ...own,
      ],
    }
  })
}

/** Three share the work, and not all of it is done by those that may die now. */
function withPatience(killTime: KillTime): KillTime {
  return 'withinMs' in killTime ? { ...killTime, withinMs: 2 * killTime.withinMs } : killTime
}

/** Mostly for longer than a lease. */
function planFreeze(random: Random, replicas: number): Fault {
  const forMs = random.chance(0.7) ? random.between(14_000, 20_000) : random.between(2_000, 14_000)
  return { kind: 'frozen', which: random.between(0, replicas - 1), forMs }
}

/** The clock of the last one is ahead for good. */
function planClockOfOthers(random: Random, replicas: number): Fault {
  return planClock(random, random.between(0, Math.max(0, replicas - 2)))
}

function planCut(random: Random): Fault {
  return { kind: 'cut', share: random.chance(0.5) ? 'all' : 'half' }
}

function planAway(random: Random): Fault {
  return { kind: 'away', from: 'now', forMs: random.between(1_000, 6_000) }
}
