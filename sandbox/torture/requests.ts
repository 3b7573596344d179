/** Who asks for what: people side by side, each with one form at a time. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Message } from '../slack/protocol.js'
import { threadOf } from './judge.js'
import type { Random } from './random.js'
import { type Submission, submit } from './requester.js'
import { approved, contested, followUps, type Scenario, scenarios } from './scenarios.js'
import { planSteering, type SteeringAct } from './steering.js'
import type { World } from './world.js'

const PAUSE_MS = 200
/** What makes nothing of its own: it changes what was there. */
const CHANGES: readonly string[] = ['sync', 'copy-bits']

/**
 * Set by set: one that others must approve; every operation in another order, each on a target of its own; then the follow-ups
 * of some; then one target that both people ask for.
 */
export function planSubmissions(
  random: Random,
  count: number,
  { workspace }: World,
  isAsked: (scenario: Scenario) => boolean,
): Submission[] {
  const { platform, deploys, random: elsewhere } = workspace.channels
  const { ann, bo, eli } = workspace.people
  const planned: Submission[] = []

  function add(
    scenario: Scenario,
    set: number,
    { after, rival }: Pick<Submission, 'after' | 'rival'> = {},
  ): Submission {
    // Who asked distinguishes two jobs on one target.
    const other = (after ?? rival)?.who
    const who = other === undefined ? random.pick([ann.id, bo.id]) : other === ann.id ? bo.id : ann.id
    // Dolly is no member of the last one, so those threads begin in a direct conversation.
    const channel = random.pick([platform.id, platform.id, deploys.id, deploys.id, elsewhere.id])
    const number = planned.length
    const one: Submission = {
      ...{ number, scenario, input: scenario.input(set), channel, who, after, rival },
      ...{ progress: 'planned', isOnLastPage: false, isAcknowledged: false },
    }
    planned.push(one)
    return one
  }

  for (let set = 0; planned.length < count; set += 1) {
    if (isAsked(approved)) {
      const asked = add(approved, set)
      Object.assign(asked, { who: eli.id, channel: platform.id, steering: planSteering(random, 'approve') })
    }
    const firsts = random.shuffled<Scenario>(scenarios.filter(isAsked)).map((scenario) => add(scenario, set))
    const firstOf = (wanted: Scenario) => firsts.find(({ scenario }) => scenario === wanted)
    for (const scenario of followUps.filter(isAsked)) add(scenario, set, { after: firstOf(scenario.after) })
    if (!isAsked(contested)) continue
    const first = add(contested, set)
    first.rival = add(contested, set, { rival: first })
  }
  // What somebody else waits for is left alone.
  for (const one of planned.filter(({ rival, steering }) => !rival && !steering)) {
    if (planned.some(({ after }) => after === one)) continue
    const act = planAct(random, one.scenario)
    // Who steers it is in that channel; elsewhere they could only type, and a schedule begins with a button.
    if (act === 'schedule') one.channel = platform.id
    if (act === 'expire') one.input = { ...one.input, typed: { ...one.input.typed, keep: '1h' } }
    one.steering = planSteering(random, act)
  }
  return planned
}

/** Of jobs that fail, most are tried again. */
function planAct(random: Random, { operation }: Scenario): SteeringAct {
  const dice = random.next()
  if (dice < 0.15) return 'cancel'
  if (operation === 'sync' && dice < 0.8) return 'schedule'
  if (CHANGES.includes(operation) || dice < 0.4) return 'try again'
  if (dice < 0.75) return 'delete'
  return 'expire'
}

/** How many targets of each kind so many submissions need. */
export function targetsPerScenario(count: number, isAsked: (scenario: Scenario) => boolean): number {
  const perSet = [...scenarios, ...followUps, contested, contested, approved].filter(isAsked).length
  return Math.ceil(count / perSet)
}

/**
 * Lets all people ask until everything was asked for or it is over.
 *
 * @param allowed how many may have been asked for by now.
 */
export async function submitAll(
  world: World,
  planned: readonly Submission[],
  allowed: () => number,
  isOver: () => boolean,
): Promise<void> {
  const everybody = [...new Set(planned.map(({ who }) => who))]
  await Promise.all(
    everybody.map(async (who) => {
      while (!isOver()) {
        const begun = planned.filter(({ progress }) => progress !== 'planned').length
        const awaited = planned.find((one) => one.who === who && isAwaited(one))
        const next = awaited ?? (begun < allowed() ? nextOf(planned, who, world.messages()) : undefined)
        if (!next) {
          await delay(PAUSE_MS)
          continue
        }
        const { after } = next
        if (after) after.rowsThen = world.rowsOf(after.scenario.provider)
        await submit(world.workspace.as(who), next, () => world.ready())
      }
    }),
  )
}

function nextOf(planned: readonly Submission[], who: string, messages: readonly Message[]): Submission | undefined {
  return planned.find((one) => one.who === who && one.progress === 'planned' && isDue(one, messages))
}

/** Whether the rival has begun, and waits on the last page. */
function isAwaited({ progress, rival }: Submission): boolean {
  return progress === 'planned' && rival?.progress === 'under way'
}

/** An earlier job on the same target must have ended, as its thread says: until then the target is taken. */
function isDue({ after }: Submission, messages: readonly Message[]): boolean {
  if (!after) return true
  if (after.progress !== 'over') return false
  return after.sentAt === undefined || threadOf(after, messages).end !== undefined
}
