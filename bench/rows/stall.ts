import { setTimeout as delay } from 'node:timers/promises'
import { openDatabase } from '../../src/store/database.js'
import { openBots } from '../bots.js'
import { addFleet, startFleet, withoutSync } from '../fleet.js'
import { inputs, makeJob, withRetries } from '../hostile-inputs.js'
import { askProbe, type HostileWorld, PROBED, type Probed, startHostileWorld } from '../hostile-world.js'
import type { Figure, Row } from '../row.js'

const MAX_STALL_MS = 100
/** How long an input that lasts goes on, in milliseconds. */
const LASTS_MS = 5_000
const SETTLE_MS = 500
/** While 10,000 jobs are polled, in milliseconds. */
const POLLED_FOR_MS = 15_000

export const row: Row = {
  title: 'longest stall of the event loop',
  maxMs: 300_000,
  async measure({ isQuick }) {
    return [await underHostileInputs(isQuick), await withManyJobs(isQuick ? 100 : 2_000)]
  },
}

/** The bot's own share: an idle thread of the same process stalls only when the machine does. */
function ownStall({ stallMs, machineMs }: Probed): number {
  return Math.max(stallMs - machineMs, 0)
}

async function underHostileInputs(isQuick: boolean): Promise<Figure> {
  const world = await startHostileWorld(2_000)
  const stalls: { name: string; ms: number }[] = []
  try {
    // Warm up first, so that loaded modules and filled caches aren't measured.
    await withRetries(() => makeJob(world, 'warm'))
    await world.probe()
    for (const { name, play } of isQuick ? inputs.slice(0, 3) : inputs) {
      // A busy machine causes stalls now and then, or lets an input time out; what is really slow is slow again.
      const first = await stallUnder(world, play).catch(() => Number.POSITIVE_INFINITY)
      const ms = first > MAX_STALL_MS ? Math.min(first, await stallUnder(world, play)) : first
      stalls.push({ name, ms })
    }
  } finally {
    await world.close()
  }
  const sorted = stalls.toSorted((one, other) => other.ms - one.ms)
  const longest = sorted.slice(0, 3).map(({ name, ms }) => `${name}: ${ms.toFixed(0)} ms`)
  return {
    what: `${stalls.length} hostile inputs, the longest of all`,
    ours: sorted[0]?.ms ?? Number.NaN,
    theirs: MAX_STALL_MS,
    unit: 'ms',
    against: 'limit',
    goal: { atMost: 1 },
    why: `Measured inside the bot every 10 ms, less what an idle thread of it stalls. The three longest: ${longest.join('; ')}.`,
  }
}

/** @throws if it couldn't be played to its end, which proves nothing. */
async function stallUnder(world: HostileWorld, play: (typeof inputs)[number]['play']): Promise<number> {
  await world.probe()
  await play(world, LASTS_MS)
  await delay(SETTLE_MS)
  const probed = await world.probe()
  world.rewrite(() => {})
  if (!probed) throw new Error(`The bot ended with ${world.end()}.`)
  return ownStall(probed)
}

async function withManyJobs(each: number): Promise<Figure> {
  const fleet = await startFleet(each)
  const bots = await openBots(fleet.simulators)
  const db = await openDatabase(bots.database)
  await withoutSync(db, () => addFleet(db, fleet))
  await db.destroy()
  const dolly = await bots.start('dolly', { NODE_OPTIONS: PROBED })
  // What the start itself loads isn't meant.
  await askProbe(bots.folder, () => false)
  await delay(POLLED_FOR_MS)
  const probed = await askProbe(bots.folder, () => false)
  const isPolled = dolly.log().includes('every running job was polled after the start')
  await bots.close()
  fleet.close()
  if (!probed || !isPolled) throw new Error('The jobs were not all polled.')
  return {
    what: `${(5 * each).toLocaleString('en')} running jobs`,
    ours: ownStall(probed),
    theirs: MAX_STALL_MS,
    unit: 'ms',
    against: 'limit',
    goal: { atMost: 1 },
    why: 'From the first poll of all jobs on, which is the worst: after a start all are due at once. What can hold up the loop then: each answer is parsed and cleaned of secrets and odd characters in one go, megabytes of it where a list is one answer, and each of five connections claims 250 jobs, or saves what it saw of as many and waits for the disk, in one turn.',
  }
}
