/** What others do with a job once it has a thread: cancel it, try it again, approve it, delete what it made, repeat it on a schedule. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Actor } from '../slack/person.js'
import type { Message } from '../slack/protocol.js'
import { type End, threadOf } from './judge.js'
import type { Random } from './random.js'
import type { Submission } from './requester.js'
import type { World } from './world.js'

export type SteeringAct = 'cancel' | 'try again' | 'delete' | 'expire' | 'schedule' | 'approve'

export interface Steering {
  act: SteeringAct
  /** How long after its thread was seen, or between the first and the second approver. */
  pauseMs: number
  /** The same click twice at once. */
  isDouble: boolean
  /** Approvals: both at once, or one after the other; or the second one denies. */
  way: 'one by one' | 'at once' | 'deny'
  seenAt?: number
  job?: string
  /** Every attempt, by the true time. Some don't arrive, because the bot is dead. */
  tries: number[]
  /** Who pressed Approve when, the requester too, who may not. */
  approvals: { person: string; at: number }[]
  /** How the job had ended, and what the provider showed, when its result was deleted, expired, or repeated. */
  endThen?: End
  rowsThen?: readonly (readonly string[])[]
}

/** Different people must approve what Eli asks for. */
export const APPROVERS_NEEDED = 2
const PAUSE_MS = 300
const MAX_TRIES = 4
const MAX_RETRIES = 2
const MODAL_WITHIN_MS = 3_000

export function planSteering(random: Random, act: SteeringAct): Steering {
  const way = random.pick(['one by one', 'one by one', 'at once', 'deny'] as const)
  return { act, pauseMs: random.between(0, 3_000), isDouble: random.chance(0.5), way, tries: [], approvals: [] }
}

/** Fay steers, Ann and Bo approve. Goes on until it is over. */
export async function steerAll(world: World, planned: readonly Submission[], isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await delay(PAUSE_MS)
    const messages = world.messages()
    for (const one of planned) {
      if (one.steering === undefined || one.sentAt === undefined || isOver()) continue
      // The bot may be dead: the next round tries again.
      await steer(world, one, one.steering, messages).catch(() => undefined)
    }
  }
}

async function steer(world: World, one: Submission, steering: Steering, messages: readonly Message[]): Promise<void> {
  const { root, job, end } = threadOf(one, messages)
  if (!root || !job) return
  steering.seenAt ??= Date.now()
  steering.job = job
  const { fay } = world.workspace.people
  const actor = world.workspace.as(fay.id)
  const offers = (action: string) => JSON.stringify(root.blocks).includes(`"job:${action}"`)
  const press = (action: string, verb: string) => pressOrType(world, actor, { root, job, action, verb })
  const isTimely = Date.now() - steering.seenAt >= steering.pauseMs
  switch (steering.act) {
    case 'approve':
      if (root.text.includes('needs approval')) await approve(world, one, steering, { root, job })
      return
    case 'cancel':
      if (!offers('cancel') || !isTimely || steering.tries.length >= MAX_TRIES) return
      steering.tries.push(Date.now())
      return await twice(steering, () => press('cancel', 'cancel'))
    case 'try again':
      if (!offers('try_again') || steering.tries.length >= MAX_RETRIES) return
      steering.tries.push(Date.now())
      // What the failed try left is deleted first, or a deletion is asked for once more.
      if (/Delete and try again|Try again…/.test(JSON.stringify(root.blocks)))
        return await sendModal(actor, 'removal', () => press('try_again', 'retry'))
      return await twice(steering, () => press('try_again', 'retry'))
    case 'delete':
      if (end === undefined || !offers('delete') || !isTimely || steering.tries.length >= MAX_TRIES) return
      remember(world, one, steering, end)
      return await sendModal(actor, 'removal', () => press('delete', 'delete'))
    case 'schedule':
      if (
        end !== 'done' ||
        !offers('schedule') ||
        steering.tries.length >= MAX_TRIES ||
        (await hasSchedule(world, one))
      )
        return
      remember(world, one, steering, end)
      return await sendModal(actor, 'schedule_save', () => actor.click(root, 'job:schedule'))
    case 'expire':
      // Its end is moved while no bot runs: see due-times.ts.
      return
  }
}

/** What the provider shows later is about the deletion, or the next run. */
export function remember(world: World, { scenario }: Submission, steering: Steering, end: End): void {
  steering.tries.push(Date.now())
  steering.endThen ??= end
  steering.rowsThen ??= world.rowsOf(scenario.provider)
}

async function hasSchedule(world: World, { input }: Submission): Promise<boolean> {
  return (await world.rows('select id from schedules where target like ?', `${input.target} %`)).length > 0
}

async function twice(steering: Steering, act: () => Promise<void>): Promise<void> {
  await Promise.allSettled(steering.isDouble ? [act(), act()] : [act()])
}

/** First one approver twice, then the other one; all that were lost, once more and all at once. The requester tries, too. */
async function approve(
  world: World,
  { who, scenario: _ }: Submission,
  steering: Steering,
  { root, job }: { root: Message; job: string },
): Promise<void> {
  const { ann, bo } = world.workspace.people
  const round = steering.way === 'at once' ? 2 : steering.tries.length
  const last = steering.tries.at(-1) ?? 0
  if (Date.now() - last < steering.pauseMs) return
  steering.tries.push(Date.now())
  const say = async (person: string, verb: 'approve' | 'deny') => {
    if (verb === 'approve') steering.approvals.push({ person, at: Date.now() })
    await pressOrType(world, world.workspace.as(person), { root, job, action: verb, verb })
  }
  if (round === 1 && steering.way === 'deny') return void (await Promise.allSettled([say(bo.id, 'deny')]))
  const people = round === 0 ? [ann.id, who] : round === 1 ? [bo.id] : [ann.id, bo.id]
  await Promise.allSettled([...people, ...people].map((person) => say(person, 'approve')))
}

/** Who doesn't see the thread types the job's id. */
async function pressOrType(
  { workspace }: World,
  actor: Actor,
  { root, job, action, verb }: { root: Message; job: string; action: string; verb: string },
): Promise<void> {
  const isSeen = actor.snapshot().messages.some(({ channel, ts }) => channel === root.channel && ts === root.ts)
  if (isSeen) await actor.click(root, `job:${action}`)
  else await actor.write(workspace.channels.platform.id, `/clone-app ${verb} ${job}`)
}

async function sendModal(actor: Actor, callback: string, open: () => Promise<void>): Promise<void> {
  try {
    await open()
    await actor.waitForView((view) => view.callback_id === callback, MODAL_WITHIN_MS)
    await actor.submit()
  } finally {
    while (actor.topView()) await actor.close().catch(() => undefined)
  }
}
