import { setTimeout as delay } from 'node:timers/promises'
import { openDatabase } from '../../src/store/database.js'
import { openBots } from '../bots.js'
import { addFleet, startFleet, withoutSync } from '../fleet.js'
import { median } from '../in-turn.js'
import type { Row } from '../row.js'

const SETTLE_MS = 3_000
/** Long enough for a few polls of each job, in milliseconds. */
const POLLED_FOR_MS = 20_000
const SAMPLES = 10

export const row: Row = {
  title: 'memory with 10,000 running jobs',
  maxMs: 120_000,
  async measure({ isQuick }) {
    const each = isQuick ? 100 : 2_000
    const fleet = await startFleet(each)
    const bots = await openBots(fleet.simulators)
    const db = await openDatabase(bots.database)
    await withoutSync(db, () => addFleet(db, fleet))
    await db.destroy()
    const [dolly, bolt] = [await bots.start('dolly'), await bots.start('bolt')]
    await delay(SETTLE_MS)
    const samples = { dolly: [] as number[], bolt: [] as number[] }
    for (let count = 0; count < SAMPLES; count += 1) {
      samples.dolly.push(dolly.memory())
      samples.bolt.push(bolt.memory())
      await delay((isQuick ? 0.2 : 1) * (POLLED_FOR_MS / SAMPLES))
    }
    if (!dolly.log().includes('every running job was polled after the start'))
      throw new Error('The jobs were not all polled.')
    await bots.close()
    fleet.close()
    return [
      {
        what: `resident, ${each * 5} jobs at five connections`,
        ours: median(samples.dolly),
        theirs: median(samples.bolt),
        unit: 'MB',
        against: 'bare Bolt app, idle',
        goal: { atMost: 2 },
        why: 'While the jobs are polled, which their age spaces out from 3 s to 30 s. A run holds the jobs that are due and the answers about them, 2,000 for each connection; between runs nothing of them is needed. The first poll of all jobs at once, right after the start, decides how large the heap grows.',
      },
    ]
  },
}
