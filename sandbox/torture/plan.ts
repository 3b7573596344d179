/** Pure: a seed → who dies when, and what else goes wrong meanwhile. */

import type { Silence } from '../slack/sockets.js'
import { type Accident, MISHAPS, type Mishap } from './proxy.js'
import type { Random } from './random.js'

export type Fault =
  /** The next so many requests of a line meet with an accident. */
  | { kind: 'mishap'; of: string; accident: Accident; times: number }
  /** A provider, or Slack, answers 503 to everything. */
  | { kind: 'down'; of: string; forMs: number }
  /** The provider itself fails the next work it takes, and says so. */
  | { kind: 'failure'; of: string; failure: string }
  /** The provider spells things as an older version of it does. */
  | { kind: 'dialect'; of: string; dialect: string; forMs: number }
  /** Slack leaves something out over Socket Mode: for new connections for a while, or over those that are there for good. */
  | { kind: 'silent socket'; how: Silence; forMs: number }
  /** Another program holds the database. */
  | { kind: 'locked'; forMs: number }
  /**
   * From now on, or from the next write or message on, whose result can't be saved then. Affects all statements, or only
   * those with certain words in them.
   */
  | { kind: 'full disk'; from: 'now' | Trigger; words: string; forMs: number }
  /** A process freezes for a while (SIGSTOP, SIGCONT). */
  | { kind: 'frozen'; which: number; forMs: number }
  /** The clock of a machine is set to be off by so much: for good, or for a while. Two processes on one file share a machine. */
  | { kind: 'clock'; which: number; byMs: number; forMs: number | null }
  /** Postgres ends as in a crash, and is away for a while: from now on, or in the middle of a write that takes 50 seconds. */
  | { kind: 'away'; from: 'now' | 'slow write'; forMs: number }
  /** Postgres ends connections of the bots: all, or those with an even number. */
  | { kind: 'cut'; share: 'all' | 'half' }

/**
 * Right after a provider carried out a write, or Slack took a message, before the answer is back; or right after the bot
 * gave up waiting for one.
 */
export type Trigger = 'write' | 'post' | 'time-out'

/** When a process dies: during its start, some time after it, or right after a trigger. */
export type KillTime = { at: 'start' | 'ready'; afterMs: number } | { at: Trigger; withinMs: number }

/** A first start on an empty file, and a kill in the middle of it. */
export interface FirstStart {
  /** How many processes start at once. */
  processes: 1 | 2
  victim: 0 | 1
  /** Dies so long after so many changes were seen in the folder of the database; the whole of it takes about 25. */
  afterChanges: number
  thenMs: number
}

export type Mode = 'http' | 'socket'

/** One kill and what leads up to it. */
export interface KillPlan {
  /** How Slack reaches the bot. */
  mode: Mode
  /** Of two on one database file, one works and the other waits for its end. */
  processes: 1 | 2
  victim: 'active' | 'standby'
  killTime: KillTime
  faults: readonly Fault[]
  /** Injected while it is dead, just before it is started again. */
  whileDown: readonly Fault[]
}

const honestFailures: Readonly<Record<string, readonly string[]>> = {
  'cloud-foundry': ['fail-next', 'fail-staging', 'crash-next'],
  coolify: ['fail-next', 'cancel-next', 'half-clone', 'auto-deploy'],
  hoody: ['fail-next'],
  miget: ['fail-next', 'fail-deploy', 'auto-start'],
  qovery: ['fail-next'],
  rainbond: ['fail-next', 'swallow-build'],
}
const providers = Object.keys(honestFailures) as [string, ...string[]]
const MIN_STARTS = 5
const STARTS_PER_KILL = 0.05
/** Kills in a row in each of these modes. */
const MAX_STRETCH = 20
const STANDBY_SHARE = 0.25
const LONG_SHARE = 0.15
const stretches = [
  { mode: 'http', processes: 1 },
  { mode: 'http', processes: 2 },
  { mode: 'socket', processes: 1 },
  { mode: 'socket', processes: 2 },
] as const

export function planFirstStarts(random: Random, kills: number): FirstStart[] {
  const count = Math.min(kills, Math.max(MIN_STARTS, Math.round(kills * STARTS_PER_KILL)))
  return Array.from({ length: count }, (_, index): FirstStart => {
    const processes = index % 2 === 1 ? 2 : 1
    // A transaction of many tables shows as one change at its end.
    const thenMs = random.chance(0.5) ? 0 : random.between(1, 40)
    const victim = processes === 2 && random.chance(0.5) ? 1 : 0
    return { processes, victim, afterChanges: random.between(1, 24), thenMs }
  })
}

export function planKills(random: Random, kills: number): KillPlan[] {
  const stretch = Math.min(MAX_STRETCH, Math.ceil(kills / 4))
  return Array.from({ length: kills }, (_, index): KillPlan => {
    const { mode, processes } = stretches[Math.floor(index / stretch) % stretches.length] ?? stretches[0]
    const silence = mode === 'socket' && random.chance(0.5) ? planSilence(random) : undefined
    const isLong = processes === 2 && random.chance(LONG_SHARE)
    const killTime = silence
      ? planLong(random, 9_000, 12_000)
      : isLong
        ? planLong(random, 16_500, 18_000)
        : planKillTime(random)
    const faults = [random.chance(0.85), random.chance(0.5), random.chance(0.2)].filter(Boolean)
    return {
      mode,
      processes,
      // A standby that is refused lives on.
      victim: processes === 2 && !isLong && random.chance(STANDBY_SHARE) ? 'standby' : 'active',
      killTime,
      faults: [
        ...(silence ? [silence] : []),
        ...(killTime.at === 'time-out' ? [planHold(random, random.pick(IMPATIENT))] : []),
        ...faults.map(() => planFault(random)),
      ],
      whileDown: random.chance(0.1) ? [random.chance(0.6) ? planClock(random) : planFullDisk(random)] : [],
    }
  })
}

/** Until a mute socket is noticed, or until a standby gives up waiting for the database, after 15 seconds. */
export function planLong(random: Random, minMs: number, maxMs: number): KillTime {
  return { at: 'ready', afterMs: random.between(minMs, maxMs) }
}

export function planKillTime(random: Random): KillTime {
  const dice = random.next()
  if (dice < 0.28) return { at: 'write', withinMs: 3_000 }
  if (dice < 0.46) return { at: 'post', withinMs: 3_000 }
  if (dice < 0.5) return { at: 'time-out', withinMs: 13_000 }
  if (dice < 0.6) return { at: 'start', afterMs: random.between(50, 900) }
  return { at: 'ready', afterMs: random.between(0, 2_500) }
}

export function planSilence(random: Random): Fault {
  const how = random.pick(['mute', 'mute', 'no hello', 'no upgrade'] as const)
  // New connections are asked for when the old ones are gone.
  return { kind: 'silent socket', how, forMs: random.between(1_000, 8_000) }
}

/** Slack's errors for a place that refuses messages, and an invented one. */
const REFUSALS = [
  'restricted_action_thread_locked',
  'restricted_action_read_only_channel',
  'restricted_action_non_threadable_channel',
  'restricted_action',
  'cannot_reply_to_message',
  'no_permission',
  'is_archived',
  'not_in_channel',
  'channel_not_found',
  'a_word_of_next_year',
] as const

function planRefusedPlace(random: Random): Fault {
  const accident = {
    mishap: 'refused place',
    on: 'post to a channel',
    heldMs: 0,
    word: random.pick(REFUSALS),
  } as const
  return { kind: 'mishap', of: 'slack', accident, times: random.between(1, 3) }
}

function planFault(random: Random): Fault {
  const dice = random.next()
  if (dice < OUTSIDE_SHARE) return planOutsideFault(random, dice)
  if (dice < 0.87) {
    // The longer ones are beyond what the bot waits for one write.
    return { kind: 'locked', forMs: random.chance(0.7) ? random.between(200, 6_500) : random.between(6_500, 20_000) }
  }
  if (dice < 0.92) return planFullDisk(random)
  // For longer than a standby waits, too.
  if (dice < 0.95) return { kind: 'frozen', which: random.pick([0, 1]), forMs: random.between(2_000, 20_000) }
  return planClock(random)
}

const OUTSIDE_SHARE = 0.82

/**
 * What goes wrong at Slack or a provider.
 *
 * @param dice from 0 to below OUTSIDE_SHARE.
 */
export function planOutsideFault(random: Random, dice: number = random.next() * OUTSIDE_SHARE): Fault {
  if (dice < 0.44) return planMishap(random, random.pick(providers))
  if (dice < 0.58) return planMishap(random, 'slack')
  if (dice < 0.62) return planRefusedPlace(random)
  if (dice < 0.65) {
    return { kind: 'dialect', of: 'rainbond', dialect: 'old-events', forMs: random.between(5_000, 20_000) }
  }
  if (dice < 0.68) return planHold(random, random.pick([...providers, 'slack']))
  if (dice < 0.74)
    return { kind: 'down', of: random.pick([...providers, 'slack']), forMs: random.between(1_000, 5_000) }
  const of = random.pick(providers)
  const [first = '', ...others] = honestFailures[of] ?? []
  return { kind: 'failure', of, failure: random.pick([first, ...others]) }
}

const short = MISHAPS.filter((one) => one !== 'refused place' && !one.startsWith('much too late')) as [
  Mishap,
  ...Mishap[],
]

function planMishap(random: Random, of: string): Fault {
  const accident = { mishap: random.pick(short), on: random.chance(0.75) ? 'write' : 'any', heldMs: 1_500 } as const
  return { kind: 'mishap', of, accident, times: random.between(1, 3) }
}

/**
 * How long the bot waits for the answer to a write, and how long it searches for a lost one before it believes that it never
 * arrived: the time limits and `absentAfterMs` in src/providers, and those in src/slack.
 */
const patience: Readonly<Record<string, { waitsMs: number; believesMs: number }>> = {
  'cloud-foundry': { waitsMs: 60_000, believesMs: 90_000 },
  coolify: { waitsMs: 10_000, believesMs: 120_000 },
  hoody: { waitsMs: 10_000, believesMs: 30_000 },
  miget: { waitsMs: 10_000, believesMs: 30_000 },
  qovery: { waitsMs: 10_000, believesMs: 30_000 },
  rainbond: { waitsMs: 40_000, believesMs: 45_000 },
  slack: { waitsMs: 10_000, believesMs: 10_000 },
}
/** With these a time-out can be waited for. */
export const IMPATIENT = ['hoody', 'miget', 'qovery', 'slack'] as const
/** What a search for a lost write, and the reads before a write, may take themselves. */
const MARGIN_MS = 8_000

/** A request that arrives after the bot believes that it never will can't be handled, so none is held that long. */
export function planHold(random: Random, of: string): Fault {
  const { waitsMs, believesMs } = patience[of] ?? { waitsMs: 0, believesMs: 0 }
  const [minMs, maxMs] = [waitsMs + 1_000, believesMs - MARGIN_MS]
  const isRequest = minMs < maxMs && random.chance(0.6)
  const accident = isRequest
    ? ({ mishap: 'much too late request', on: 'write', heldMs: random.between(minMs, maxMs) } as const)
    : ({ mishap: 'much too late answer', on: random.chance(0.7) ? 'write' : 'any', heldMs: waitsMs + 2_000 } as const)
  return { kind: 'mishap', of, accident, times: 1 }
}

/** Emptying the write-ahead log, noting a reply, and noting where a thread is. */
const CHOICE = ['wal_checkpoint', 'update "events"', '"shown_version"'] as const

function planFullDisk(random: Random): Fault {
  if (random.chance(0.5)) {
    return { kind: 'full disk', from: 'now', words: random.pick(CHOICE), forMs: random.between(1_000, 6_000) }
  }
  const from = random.pick(['now', 'write', 'post'] as const)
  return { kind: 'full disk', from, words: '', forMs: random.between(200, 2_500) }
}

const MINUTE = 60_000
/** From a clock that is farther off than five minutes the bot refuses Slack's requests, and it promises nothing then. */
const MAX_CLOCK_OFFSET_MS = 5 * MINUTE - 10_000
const SHARE_OF_HOURS = 0.15

/** @param which the process whose machine it is. */
export function planClock(random: Random, which = 0): Fault {
  const sign = random.chance(0.5) ? 1 : -1
  if (random.chance(SHARE_OF_HOURS)) {
    return { kind: 'clock', which, byMs: sign * random.between(10, 180) * MINUTE, forMs: random.between(500, 4_000) }
  }
  const byMs = sign * random.between(MINUTE, MAX_CLOCK_OFFSET_MS)
  if (random.chance(0.4)) return { kind: 'clock', which, byMs, forMs: random.between(1_000, 8_000) }
  return { kind: 'clock', which, byMs: random.chance(0.3) ? 0 : byMs, forMs: null }
}
