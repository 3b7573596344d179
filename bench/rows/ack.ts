import { setTimeout as delay } from 'node:timers/promises'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { commandBody, newAgent, openBots, sendSigned } from '../bots.js'
import { inTurn, quantile, timed } from '../in-turn.js'
import type { Figure, Row } from '../row.js'

/** For each request of a burst, in milliseconds. */
const PAUSE_MS = 10
const SETTLE_MS = 2_000

export const row: Row = {
  title: 'slash command: signed POST → ack',
  maxMs: 90_000,
  async measure({ isQuick }) {
    const [rounds, requests] = isQuick ? [1, 64] : [5, 128]
    const hoody = await startHoody()
    const bots = await openBots([hoody])
    const [dolly, bolt] = [await bots.start('dolly'), await bots.start('bolt')]
    await delay(SETTLE_MS)
    let people = 0

    /**
     * So many arrive at once, and then none until what follows them is done: nobody's workspace sends commands without a pause.
     */
    async function send(port: number, atOnce: number): Promise<number[]> {
      const agent = newAgent(atOnce)
      const all: number[] = []
      while (all.length < requests) {
        const burst = Array.from({ length: atOnce }, () => {
          people += 1
          const body = commandBody(people)
          return timed(() => sendSigned(port, agent, body))
        })
        all.push(...(await Promise.all(burst)))
        await delay(PAUSE_MS * atOnce)
      }
      agent.destroy()
      return all
    }

    const figures: Figure[] = []
    for (const atOnce of [1, 32]) {
      const all = await inTurn(rounds, {
        dolly: () => send(dolly.port, atOnce),
        bolt: () => send(bolt.port, atOnce),
      })
      for (const [name, share] of [['p50', 0.5] as const, ['p99', 0.99] as const])
        figures.push({
          what: `${atOnce === 1 ? 'one by one' : `${atOnce} at once`}, ${name}`,
          ours: quantile(all.dolly.flat(), share),
          theirs: quantile(all.bolt.flat(), share),
          unit: 'ms',
          against: 'bare Bolt, empty handler',
          goal: { atMost: 1.25 },
          why: atOnce === 1 ? ONE_BY_ONE : AT_ONCE,
        })
    }
    await bots.close()
    await hoody.close()
    return figures
  },
}

const ONE_BY_ONE =
  'Both acknowledge before they do anything else. Dolly also refuses a request that comes twice, and gives each log line its request.'
const AT_ONCE =
  'What a command does after its ack, such as opening its form, waits until all that has arrived is acknowledged; the bare app has nothing to do then.'
