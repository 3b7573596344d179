import { setTimeout as delay } from 'node:timers/promises'
import { startCloudFoundry } from '../../sandbox/providers/cloud-foundry.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { startMiget } from '../../sandbox/providers/miget.js'
import { startQovery } from '../../sandbox/providers/qovery.js'
import { startRainbond } from '../../sandbox/providers/rainbond.js'
import { type BotProcess, openBots } from '../bots.js'
import { startServer } from '../postgres.js'
import type { Row } from '../row.js'

/** Postgres counts what a session did up to ten seconds later. */
const SETTLE_MS = 12_000
const MEASURE_MS = 40_000

export const row: Row = {
  title: 'idle with five connections',
  maxMs: 120_000,
  async measure({ isQuick }) {
    const simulators = await Promise.all([
      startHoody(),
      startQovery(),
      startMiget(),
      startRainbond(),
      startCloudFoundry(),
    ])
    const server = await startServer()
    const bots = await openBots(simulators)
    // Both at the same time, so that whatever else the machine does meets both.
    const dolly = await bots.start('dolly', { DATABASE_URL: await server.newDatabase('dolly') })
    const graphile = await bots.start('graphileWorker', { DATABASE_URL: await server.newDatabase('graphile') })
    await delay(SETTLE_MS)
    const before = [await countOf(dolly, 'dolly'), await countOf(graphile, 'graphile')] as const
    const startedAt = performance.now()
    await delay(isQuick ? 5_000 : MEASURE_MS)
    const after = [await countOf(dolly, 'dolly'), await countOf(graphile, 'graphile')] as const
    const seconds = (performance.now() - startedAt) / 1_000

    async function countOf(bot: BotProcess, database: string) {
      const [row] = await server.query<{ count: string }>(
        'select xact_commit + xact_rollback as count from pg_stat_database where datname = $1',
        [database],
      )
      return { transactions: Number(row?.count), cpuMs: bot.cpu() }
    }

    await bots.close()
    await server.remove()
    await Promise.all(simulators.map((simulator) => simulator.close()))
    const rate = (which: 0 | 1, key: 'transactions' | 'cpuMs') => (after[which][key] - before[which][key]) / seconds
    const against = 'graphile-worker idle'
    return [
      {
        what: 'transactions a second on Postgres',
        ours: rate(0, 'transactions'),
        theirs: rate(1, 'transactions'),
        unit: 'transactions/s',
        against,
        goal: { atMost: 1 },
        why: 'Each asks every two seconds what is due, Dolly with one query for all its connections and workers. Dolly also renews its lease every two seconds, so that another replica takes over within seconds; graphile-worker has no lease, and takes over after four hours.',
      },
      {
        what: 'CPU',
        // Hundredths of a second are a hundredth of a percent of a core in 100 s.
        ours: rate(0, 'cpuMs') / 10,
        theirs: rate(1, 'cpuMs') / 10,
        unit: '% of a core',
        against,
        goal: { atMost: 1 },
        why: 'The same minute for both. Dolly also looks every second whether the clock was set, and runs its HTTP server and the timers of its five connections.',
      },
    ]
  },
}
