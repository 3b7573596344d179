/** How replicas die, and come back. */
import { setTimeout as delay } from 'node:timers/promises'
import type { BotProcess } from './bot-process.js'
import { type Course, TIMES } from './course.js'
import type { ReplicaKill, SharedStart } from './plan-replicas.js'
import type { ReplicaWorld } from './replicas.js'

/** Longer than any start takes on a busy machine. */
const START_WITHIN_MS = 60_000

/** @param afterKill called after each. */
export function courseOfReplicas(
  world: ReplicaWorld,
  starts: readonly SharedStart[],
  plans: readonly ReplicaKill[],
  afterKill: () => Promise<void>,
): Course {
  return {
    firstStarts: starts.map((start) => ({
      title: 'during the first start, of all replicas at once',
      run: () => killSharedStart(world, start),
    })),
    async begin(hasFailedStarts) {
      if (hasFailedStarts || starts.length === 0) await world.empty()
      for (const bot of world.bots) bot.start()
      await world.ready()
    },
    kills: plans.map((plan, index) => async () => {
      if (plan.mode !== (plans[index - 1]?.mode ?? 'http')) {
        await Promise.all(world.bots.map((bot) => bot.stop()))
        world.reachBy(plan.mode)
        for (const bot of world.bots) bot.start()
      }
      for (const fault of plan.faults) world.inject(fault)
      const died = await killOne(world, plan)
      await afterKill()
      return died
    }),
    settle: async () => {},
  }
}

/** All start at once on an empty database, one dies meanwhile, and in the end all must be up. */
async function killSharedStart(world: ReplicaWorld, { victim, afterMs }: SharedStart): Promise<string | undefined> {
  await world.empty()
  for (const bot of world.bots) bot.start()
  await delay(afterMs)
  await world.bots[victim]?.kill()
  world.bots[victim]?.start()
  const areUp = await inTime(Promise.all(world.bots.map((bot) => bot.ready())))
  const words = world.bots.flatMap((bot) => (bot.isUp() ? [] : [bot.ownExits().at(-1) ?? 'it never came up']))
  await Promise.all(world.bots.map((bot) => bot.kill()))
  return areUp ? undefined : `killed replica ${victim} after ${afterMs} ms: ${words.join(' ')}`
}

async function killOne(world: ReplicaWorld, { killTime, victim, spared }: ReplicaKill): Promise<string> {
  const chosen = world.bots[victim]
  if (!chosen) throw new Error(`There is no replica ${victim}.`)
  if (killTime.at === 'start') {
    // It dies once more, in the middle of its start.
    await world.kill(chosen)
    chosen.start()
  } else {
    await inTime(chosen.ready())
  }
  if ('afterMs' in killTime) {
    await delay(killTime.afterMs)
    return await killAndStart(world, awake(world, chosen, spared), killTime.at)
  }
  const { at: trigger, withinMs } = killTime
  return await new Promise((resolve) => {
    let callOff = () => {}
    const timer = setTimeout(() => end(chosen, 'ready'), withinMs)
    function end(bot: BotProcess, at: keyof typeof TIMES): void {
      callOff()
      clearTimeout(timer)
      resolve(killAndStart(world, awake(world, bot, spared), at))
    }
    function wait(): void {
      callOff = world.onNext(trigger, (which) => {
        const writer = which === spared ? undefined : world.bots[which]
        if (writer) end(writer, trigger)
        else wait()
      })
    }
    wait()
  })
}

/** Kills in the same turn of the loop. */
async function killAndStart(world: ReplicaWorld, bot: BotProcess, at: keyof typeof TIMES): Promise<string> {
  await world.kill(bot)
  bot.start()
  return TIMES[at]
}

/** A frozen replica isn't killed: it must come back, and find that others have its work. */
function awake(world: ReplicaWorld, wanted: BotProcess, spared: number | undefined): BotProcess {
  if (!wanted.isFrozen()) return wanted
  return world.bots.find((bot, which) => which !== spared && !bot.isFrozen()) ?? wanted
}

async function inTime(happens: Promise<unknown>): Promise<boolean> {
  return await Promise.race([happens.then(() => true), delay(START_WITHIN_MS, false)])
}
