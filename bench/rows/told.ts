import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { newId } from '../../sandbox/providers/hoody-world.js'
import { pollDelayMs } from '../../src/domain/polling.js'
import { openDatabase } from '../../src/store/database.js'
import { openBots } from '../bots.js'
import { addFleet, connectionOf, type Fleet, manyOf, withoutSync } from '../fleet.js'
import { quantile } from '../in-turn.js'
import type { Row } from '../row.js'

/** Slack takes fifty edits a minute, so no more than 45 jobs may end in a minute and be told at once. */
const END_EVERY_MS = 1_500
/** From the first copy's start until its end, in milliseconds: time enough to prepare the jobs and to start the bot. */
const CLONE_MS = 60_000
const MARGIN_MS = 15_000

export const row: Row = {
  title: 'provider done → thread told, 1,000 running jobs',
  maxMs: 240_000,
  async measure({ isQuick }) {
    const [running, ending, cloneMs] = isQuick ? [50, 8, 15_000] : [970, 30, CLONE_MS]
    // The provider's clock is ahead by so much while the copies begin, so that they end one after the other.
    let aheadMs = 0
    const hoody = await startHoody({ count: running + ending, cloneMs, now: () => Date.now() + aheadMs })
    const startedAt = Date.now()
    const ends = new Map<string, number>()
    const ids: string[] = []
    for (let count = 0; count < running + ending; count += 1) {
      const isEnding = count < ending
      // The others go on until long after the measurement.
      aheadMs = isEnding ? count * END_EVERY_MS : 600_000
      const at = Date.now() + aheadMs
      const id = await copy(hoody.connection, count)
      ids.push(id)
      if (isEnding) ends.set(id, at + cloneMs)
    }
    aheadMs = 0

    const told = new Map<string, number>()
    const bots = await openBots([hoody], (method, body) => {
      // Each root's `ts` names its job.
      if (method === 'chat.update') told.set(body.get('ts') ?? '', Date.now())
    })
    const db = await openDatabase(bots.database)
    const { many } = await manyOf('hoody')
    const fleet: Pick<Fleet, 'connections' | 'jobs'> = {
      connections: new Map([['hoody', connectionOf({ ...hoody, name: 'hoody' })]]),
      jobs: new Map([['hoody', { many, refs: ids.map((id) => ({ id })) }]]),
    }
    await withoutSync(db, () => addFleet(db, fleet, startedAt))
    const jobs = await db
      .selectFrom('jobs')
      .select(['id', 'ref', sql<string>`'1700000000.' || id`.as('ts')])
      .execute()
    await db.destroy()
    if (Date.now() > startedAt + cloneMs - 2_000) throw new Error('It took too long to prepare the jobs.')
    await bots.start('dolly')
    await delay(startedAt + cloneMs + ending * END_EVERY_MS + MARGIN_MS - Date.now())
    await bots.close()
    await hoody.close()

    const shares: number[] = []
    const delays: number[] = []
    for (const { ref, ts } of jobs) {
      const endedAt = ends.get(JSON.parse(ref ?? '{}').id)
      if (endedAt === undefined) continue
      const toldMs = (told.get(ts) ?? Number.POSITIVE_INFINITY) - endedAt
      const intervalMs = pollDelayMs(endedAt - startedAt, { now: endedAt, jitter: 0.5, pollEveryMs: undefined })
      delays.push(toldMs / 1_000)
      shares.push(toldMs / (intervalMs + 1_000))
    }
    return [['p50', 0.5] as const, ['p99', 0.99] as const].map(([name, share]) => ({
      what: name,
      ours: quantile(shares, share),
      theirs: 1,
      unit: '×',
      against: 'of the poll interval + 1 s',
      goal: { atMost: 1 },
      why: `${ending} of ${running + ending} jobs end, one every ${END_EVERY_MS / 1_000} s, as Slack takes fifty edits a minute; told after ${quantile(delays, 0.5).toFixed(1)} s (p50) and ${quantile(delays, 0.99).toFixed(1)} s (p99). The interval is a tenth of a job's age, from 3 s to 30 s, ± 10 %, and a due poll waits for the next tick, two seconds by default.`,
    }))
  },
}

async function copy({ url, token }: Readonly<Record<string, string>>, count: number): Promise<string> {
  const answer = await fetch(`${url}/api/v1/containers/${newId(5, 1)}/copy`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      target_project_id: newId(2, count + 3),
      target_server_id: newId(3, count + 4),
      name: `copy-${count}`,
      copy_firewall_rules: true,
      copy_network_rules: true,
    }),
  })
  if (!answer.ok) throw new Error(`Hoody answered a copy with ${await answer.text()}`)
  const { data }: { data: { id: string } } = await answer.json()
  return data.id
}
