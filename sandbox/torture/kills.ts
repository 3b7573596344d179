/** How processes on one file die: during their first start, and at the time that a plan says. */
import { watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { BotProcess } from './bot-process.js'
import { type Course, TIMES } from './course.js'
import type { FileWorld } from './one-file.js'
import type { FirstStart, KillPlan, KillTime } from './plan.js'

/** Longer than any start takes on a busy machine, and long enough for several tries. */
const START_WITHIN_MS = 60_000

/** @param whileDead called after each kill, if no bot runs then. */
export function courseOnOneFile(
  world: FileWorld,
  firstStarts: readonly FirstStart[],
  plans: readonly KillPlan[],
  whileDead: () => Promise<void>,
): Course {
  return {
    firstStarts: firstStarts.map((firstStart) => ({
      title: firstStart.processes === 2 ? 'during the first start, of two at once' : 'during the first start',
      run: () => killFirstStart(world, firstStart),
    })),
    async begin(hasFailedStarts) {
      // Reported as failed starts; the jobs need a database that works.
      if (hasFailedStarts) world.empty()
      world.bots[0].start()
      await world.ready()
    },
    kills: plans.map((plan, index) => () => runUntilKilled(world, plan, plans[index - 1], whileDead)),
    settle: () => world.roles()[1].stop(),
  }
}

/**
 * Starts on an empty file, kills in the middle of that, and starts again. Leaves the database to those who come after, and
 * no process.
 *
 * @returns why none came up in the end, if so.
 */
async function killFirstStart(world: FileWorld, firstStart: FirstStart): Promise<string | undefined> {
  const { processes, victim, afterChanges, thenMs } = firstStart
  const bots = world.bots.slice(0, processes)
  const folder = world.empty()
  await new Promise<void>((resolve) => {
    let changes = 0
    let isKilled = false
    const watcher = watch(folder, () => {
      changes += 1
      if (changes !== afterChanges) return
      if (thenMs === 0) kill()
      else setTimeout(kill, thenMs)
    })
    function kill(): void {
      if (isKilled) return
      isKilled = true
      watcher.close()
      resolve(world.bots[victim].kill())
    }
    for (const bot of bots) bot.start()
    // A start that makes fewer changes is killed at its end.
    void inTime(world.ready()).then(kill)
  })
  for (const bot of bots) bot.start()
  const isUp = await inTime(world.ready())
  await Promise.all(bots.map((bot) => bot.kill()))
  const words = bots.flatMap((bot) => bot.ownExits().slice(-1))
  return isUp ? undefined : `${JSON.stringify(firstStart)}: ${words.join(' ')}`
}

/**
 * Answers when it died, in words.
 *
 * @param whileDead called after the kill, if no bot runs then.
 */
async function runUntilKilled(
  world: FileWorld,
  plan: KillPlan,
  before: KillPlan | undefined,
  whileDead: () => Promise<void>,
): Promise<string> {
  const { mode, processes, victim, killTime, faults, whileDown } = plan
  if (mode !== (before?.mode ?? 'http')) {
    await Promise.all(world.bots.map((bot) => bot.stop()))
    world.reachBy(mode)
  }
  const [active, standby] = world.roles()
  active.start()
  if (processes === 2) standby.start()
  else if (standby.isRunning()) await standby.stop()
  for (const fault of faults) world.inject(fault)
  if (killTime.at !== 'start') await inTime(world.ready())
  // The standby may have taken over by now.
  const [first, second] = world.roles()
  const bot = victim === 'standby' && second.isRunning() ? second : first
  const died = await waitAndKill(world, killTime, bot)
  for (const fault of whileDown) world.inject(fault)
  if (!world.bots.some((one) => one.isRunning())) await whileDead()
  bot.start()
  return bot === second ? 'while waiting for another process to end' : died
}

async function waitAndKill(world: FileWorld, killTime: KillTime, bot: BotProcess): Promise<string> {
  if ('afterMs' in killTime) {
    await delay(killTime.afterMs)
    await bot.kill()
    return TIMES[killTime.at]
  }
  return await new Promise((resolve) => {
    const callOff = world.onNext(killTime.at, () => kill(killTime.at))
    const timer = setTimeout(() => kill('ready'), killTime.withinMs)
    function kill(at: keyof typeof TIMES): void {
      callOff()
      clearTimeout(timer)
      bot.kill().then(() => resolve(TIMES[at]))
    }
  })
}

async function inTime(happens: Promise<unknown>): Promise<boolean> {
  return await Promise.race([happens.then(() => true), delay(START_WITHIN_MS, false)])
}
