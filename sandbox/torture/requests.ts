/** Who asks for what: people side by side, each with one form at a time, and some only when another job has ended. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Message } from '../slack/protocol.js'
import { threadOf } from './judge.js'
import { type Submission, submit } from './people.js'
import type { Random } from './random.js'
import { sequels, type Trade, trades } from './trades.js'
import type { World } from './world.js'

const PAUSE_MS = 200

/** All operations in ever new order, each time with a target of its own, and then those that follow on some of these. */
export function planErrands(random: Random, most: number, { workspace }: World): Submission[] {
  const { platform, deploys, random: elsewhere } = workspace.channels
  const { ann, bo } = workspace.people
  const errands: Submission[] = []

  function add(trade: Trade, round: number, after?: Submission): Submission {
    // Two jobs on one target are told apart by who asked.
    const who = after ? (after.who === ann.id ? bo.id : ann.id) : random.pick([ann.id, bo.id])
    // Dolly is no member of the last one, so those threads begin in a direct conversation.
    const channel = random.pick([platform.id, platform.id, deploys.id, deploys.id, elsewhere.id])
    const number = errands.length
    const one: Submission = {
      ...{ number, trade, errand: trade.errand(round), channel, who, after },
      ...{ progress: 'to come', isAcknowledged: false },
    }
    errands.push(one)
    return one
  }

  for (let round = 0; errands.length < most; round += 1) {
    const firsts = random.shuffled<Trade>(trades).map((trade) => add(trade, round))
    const firstOf = (wanted: Trade) => firsts.find(({ trade }) => trade === wanted)
    for (const trade of sequels) add(trade, round, firstOf(trade.after))
  }
  return errands
}

/** So many targets of a kind are needed for so many errands. */
export const roundsOf = (most: number) => Math.ceil(most / (trades.length + sequels.length))

/**
 * Lets everybody ask until all is asked for or it is over.
 *
 * @param allowed how many may have been asked for by now.
 */
export async function askInTurn(
  world: World,
  errands: readonly Submission[],
  allowed: () => number,
  isOver: () => boolean,
): Promise<void> {
  const everybody = [...new Set(errands.map(({ who }) => who))]
  await Promise.all(
    everybody.map(async (who) => {
      while (!isOver()) {
        const begun = errands.filter(({ progress }) => progress !== 'to come').length
        const next = begun < allowed() ? nextOf(errands, who, world.messages()) : undefined
        if (!next) {
          await delay(PAUSE_MS)
          continue
        }
        const { after } = next
        if (after) after.rowsThen = world.rowsOf(after.trade.provider)
        await submit(world.workspace.as(who), next, () => world.stalls[0].ready())
      }
    }),
  )
}

function nextOf(errands: readonly Submission[], who: string, messages: readonly Message[]): Submission | undefined {
  return errands.find((one) => one.who === who && one.progress === 'to come' && isItsTurn(one, messages))
}

/** What was sent before on the same target must have ended, as its thread tells: until then the target is taken. */
function isItsTurn({ after }: Submission, messages: readonly Message[]): boolean {
  if (!after) return true
  if (after.progress !== 'over') return false
  return after.sentAt === undefined || threadOf(after, messages).end !== undefined
}
