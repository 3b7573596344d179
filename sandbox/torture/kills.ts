/** How processes come to their end, moment by moment. */
import { watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Birth, Life, TransitionContext } from './plan.js'
import type { Stall } from './stall.js'
import type { World } from './world.js'

/** Longer than any start takes on a busy machine, and long enough for several tries. */
const START_WITHIN_MS = 20_000

/**
 * Starts on an empty file, kills in the middle of that, and starts again. Leaves the database to those who come after, and
 * no process.
 *
 * @returns why not all came up at last, if so.
 */
export async function beBorn(world: World, birth: Birth): Promise<string | undefined> {
  const { processes, victim, afterChanges, thenMs } = birth
  const stalls = world.stalls.slice(0, processes)
  const folder = world.empty()
  let changes = 0
  await new Promise<void>((resolve) => {
    // Who needs fewer changes dies soon after the last one.
    const patience = setTimeout(strike, START_WITHIN_MS)
    const watcher = watch(folder, () => {
      changes += 1
      if (changes !== afterChanges) return
      if (thenMs === 0) strike()
      else setTimeout(strike, thenMs)
    })
    function strike(): void {
      clearTimeout(patience)
      watcher.close()
      resolve(world.stalls[victim].kill())
    }
    for (const stall of stalls) stall.start()
  })
  for (const stall of stalls) stall.start()
  const isUp = await inTime(Promise.all(stalls.map((stall) => stall.ready())))
  await Promise.all(stalls.map((stall) => stall.kill()))
  const words = stalls.flatMap((stall) => stall.falls().slice(-1))
  return isUp ? undefined : `${JSON.stringify(birth)}: ${words.join(' ')}`
}

/** Answers with the moment that it died in. */
export async function live(world: World, life: Life, before: Life | undefined): Promise<string> {
  const { mode, processes, victim, moment, faults, whileDead } = life
  const [first, second] = world.stalls
  if (mode !== (before?.mode ?? 'http')) {
    await Promise.all(world.stalls.map((stall) => stall.stop()))
    world.reachBy(mode)
    first.start()
  }
  if (processes === 2) second.start()
  if (processes === 1 && second.isRunning()) await second.stop()
  for (const fault of faults) world.cause(fault)
  const stall = world.stalls[victim]
  const died = await comeTo(world, moment, stall)
  for (const fault of whileDead) world.cause(fault)
  stall.start()
  return died
}

const words = {
  write: 'right after a provider carried out a write',
  post: 'right after Slack took a message',
  'time-out': 'right after giving up waiting for an answer',
  start: 'during a start',
  ready: 'some time after a start',
} as const

/** Waits for the moment and kills in it. */
async function comeTo(world: World, moment: TransitionContext, stall: Stall): Promise<string> {
  if (moment.at !== 'start') await inTime(stall.ready())
  if ('afterMs' in moment) {
    await delay(moment.afterMs)
    await stall.kill()
    return words[moment.at]
  }
  return await new Promise((resolve) => {
    const callOff = world.onNext(moment.at, () => strike(moment.at))
    const patience = setTimeout(() => strike('ready'), moment.withinMs)
    function strike(at: keyof typeof words): void {
      callOff()
      clearTimeout(patience)
      stall.kill().then(() => resolve(words[at]))
    }
  })
}

async function inTime(happens: Promise<unknown>): Promise<boolean> {
  return await Promise.race([happens.then(() => true), delay(START_WITHIN_MS, false)])
}
