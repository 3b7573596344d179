/** Pure: a seed → who dies when, and what else goes wrong meanwhile. */
import { type Mishap, mishaps } from './proxy.js'
import type { Random } from './random.js'

export type Fault =
  /** The next so many requests of a line meet with an accident. */
  | { kind: 'mishap'; of: string; mishap: Mishap; on: 'write' | 'any'; times: number }
  /** A provider, or Slack, answers 503 to everything. */
  | { kind: 'down'; of: string; forMs: number }
  /** The provider itself fails the next work it takes, and says so. */
  | { kind: 'mood'; of: string; mood: string }
  /** Somebody else holds the database. */
  | { kind: 'locked'; forMs: number }
  | { kind: 'full disk'; forMs: number }
  /** The machine's clock is off by so much, then right again. */
  | { kind: 'clock'; byMs: number; forMs: number }

/** When a process dies: during its start, some time after it, or right after something that hurts. */
export type Moment =
  | { at: 'start' | 'ready'; afterMs: number }
  /** Right after a provider carried out a write, or Slack took a message: before the answer is back. */
  | { at: 'write' | 'post' }

/** One kill and what leads up to it. */
export interface Life {
  /** How many processes share the database meanwhile. */
  processes: 1 | 2
  /** Which of them dies: the first hears Slack, the second only works and tells. */
  victim: 0 | 1
  moment: Moment
  faults: readonly Fault[]
}

const honestFailures: Readonly<Record<string, readonly string[]>> = {
  'cloud-foundry': ['fail-next', 'fail-staging', 'crash-next'],
  hoody: ['fail-next'],
  miget: ['fail-next', 'fail-deploy', 'auto-start'],
  qovery: ['fail-next'],
  rainbond: ['fail-next', 'swallow-build'],
}
const providers = Object.keys(honestFailures) as [string, ...string[]]
/** Two processes live together for so many kills, then one alone for as many. */
const stretch = 20

export function planLives(random: Random, kills: number): Life[] {
  return Array.from({ length: kills }, (_, index): Life => {
    const processes = Math.floor(index / stretch) % 2 === 1 ? 2 : 1
    const victim = processes === 2 && random.chance(0.5) ? 1 : 0
    const faults = [random.chance(0.85), random.chance(0.5), random.chance(0.2)].filter(Boolean)
    return { processes, victim, moment: planMoment(random), faults: faults.map(() => planFault(random)) }
  })
}

function planMoment(random: Random): Moment {
  const dice = random.next()
  if (dice < 0.3) return { at: 'write' }
  if (dice < 0.5) return { at: 'post' }
  if (dice < 0.6) return { at: 'start', afterMs: random.between(50, 900) }
  return { at: 'ready', afterMs: random.between(0, 2_500) }
}

function planFault(random: Random): Fault {
  const dice = random.next()
  if (dice < 0.5) return planMishap(random, random.pick(providers))
  if (dice < 0.68) return planMishap(random, 'slack')
  if (dice < 0.74)
    return { kind: 'down', of: random.pick([...providers, 'slack']), forMs: random.between(1_000, 5_000) }
  if (dice < 0.82) {
    const of = random.pick(providers)
    const [first = '', ...others] = honestFailures[of] ?? []
    return { kind: 'mood', of, mood: random.pick([first, ...others]) }
  }
  if (dice < 0.89) return { kind: 'locked', forMs: random.between(200, 6_500) }
  if (dice < 0.95) return { kind: 'full disk', forMs: random.between(200, 2_500) }
  const minutes = random.between(1, 4) * (random.chance(0.5) ? 1 : -1)
  return { kind: 'clock', byMs: minutes * 60_000 + random.between(0, 59_999), forMs: random.between(1_000, 8_000) }
}

function planMishap(random: Random, of: string): Fault {
  const mishap = random.pick(mishaps)
  return { kind: 'mishap', of, mishap, on: random.chance(0.75) ? 'write' : 'any', times: random.between(1, 3) }
}
