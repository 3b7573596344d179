import { setTimeout as delay } from 'node:timers/promises'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { openBots } from '../bots.js'
import { inTurn, median } from '../in-turn.js'
import type { Row } from '../row.js'

const SETTLE_MS = 3_000

export const row: Row = {
  title: 'start to ready, and memory idle',
  maxMs: 90_000,
  async measure({ isQuick }) {
    const rounds = isQuick ? 1 : 7
    const hoody = await startHoody()
    const bots = await openBots([hoody])
    const startOnce = async (name: 'dolly' | 'bolt') => {
      const bot = await bots.start(name)
      await bot.kill()
      return bot.upMs
    }
    const started = await inTurn(rounds, { dolly: () => startOnce('dolly'), bolt: () => startOnce('bolt') })
    const memory = await inTurn(isQuick ? 1 : 2, {
      dolly: () => idleMemory('dolly'),
      bolt: () => idleMemory('bolt'),
    })

    async function idleMemory(name: 'dolly' | 'bolt'): Promise<number> {
      const bot = await bots.start(name)
      await delay(SETTLE_MS)
      const megabytes = bot.memory()
      await bot.kill()
      return megabytes
    }

    await bots.close()
    await hoody.close()
    const against = 'bare Bolt app'
    return [
      {
        what: 'start to ready',
        ours: median(started.dolly),
        theirs: median(started.bolt),
        unit: 'ms',
        against,
        goal: { atMost: 1.25 },
        why: 'Both load Bolt and ask Slack who they are. Dolly also loads its providers and their schemas, opens its database twice, and makes live jobs due.',
      },
      {
        what: 'memory idle',
        ours: median(memory.dolly),
        theirs: median(memory.bolt),
        unit: 'MB',
        against,
        goal: { atMost: 1.5 },
        why: 'Resident memory three seconds after the start. Besides Bolt there are SQLite with two connections, zod schemas of six providers, ky and kysely.',
      },
    ]
  },
}
