import { setTimeout as delay } from 'node:timers/promises'
import { openDatabase } from '../../src/store/database.js'
import type { Database } from '../../src/store/schema.js'
import { type BotProcess, type Bots, openBots } from '../bots.js'
import { addFleet, type Fleet, startFleet, withoutSync } from '../fleet.js'
import { median } from '../in-turn.js'
import { type Server, startServer } from '../postgres.js'
import type { Row } from '../row.js'

const MAX_WAIT_MS = 60_000
const POLLED = 'every running job was polled after the start'
const RIVALS =
  'By their documented defaults a job of a killed worker is taken up again after 30 minutes by plainjob, 15 minutes by pg-boss, 4 hours by graphile-worker, and 30 s by BullMQ.'

export const row: Row = {
  title: 'recovery: SIGKILL → next poll of every running job',
  maxMs: 180_000,
  async measure({ isQuick }) {
    const [rounds, each] = isQuick ? [1, 20] : [5, 200]
    const fleet = await startFleet(each)
    const bots = await openBots(fleet.simulators)
    const sqlite = await onSqlite(bots, fleet, rounds)
    const server = await startServer()
    const postgres = await onPostgres(bots, fleet, server, isQuick ? 1 : 3)
    await bots.close()
    await server.remove()
    fleet.close()
    const jobs = `${5 * each} running jobs at five connections`
    return [
      {
        what: 'SQLite, started again at once',
        ours: median(sqlite) / 1_000,
        theirs: 2,
        unit: 's',
        against: 'limit',
        goal: { atMost: 1 },
        why: `${jobs}. The process has to start; then each claim in the file is of a dead one, and every live job is due. ${RIVALS}`,
      },
      {
        what: 'Postgres, taken over by another replica',
        ours: median(postgres) / 1_000,
        theirs: 15,
        unit: 's',
        against: 'limit',
        goal: { atMost: 1 },
        why: `${jobs}; the replica is killed in the middle of a poll. Another one takes over its claims when it has not renewed its lease for 10 s. ${RIVALS}`,
      },
    ]
  },
}

/** Milliseconds of each round. */
async function onSqlite(bots: Bots, fleet: Fleet, rounds: number): Promise<number[]> {
  const db = await openDatabase(bots.database)
  await withoutSync(db, () => addFleet(db, fleet))
  await db.destroy()
  const all: number[] = []
  let bot = await bots.start('dolly')
  await waitFor(() => bot.log().includes(POLLED))
  for (let round = 0; round < rounds; round += 1) {
    const killedAt = performance.now()
    await bot.kill()
    bot = await bots.start('dolly')
    await waitFor(() => bot.log().includes(POLLED))
    all.push(performance.now() - killedAt)
  }
  await bot.kill()
  return all
}

async function onPostgres(bots: Bots, fleet: Fleet, server: Server, rounds: number): Promise<number[]> {
  const DATABASE_URL = await server.newDatabase('recovery')
  // What is only prepared doesn't wait for the disk.
  await server.query('alter database recovery set synchronous_commit = off')
  const db = await openDatabase(DATABASE_URL)
  await addFleet(db, fleet)
  await server.query('alter database recovery reset synchronous_commit')
  const all: number[] = []
  let running = [await bots.start('dolly', { DATABASE_URL }), await bots.start('dolly', { DATABASE_URL })]
  for (let round = 0; round < rounds; round += 1) {
    // Slow answers keep both in the middle of their polls, with claims on the jobs.
    fleet.setSlow(true)
    let victim: BotProcess | undefined
    let before = new Map<string, number>()
    await waitFor(async () => {
      const claims = await claimsOf(db)
      victim = running.find(({ pid }) => claims.some(({ name }) => name.startsWith(`process ${pid} on `)))
      before = await versions(db)
      return victim !== undefined
    })
    const killedAt = performance.now()
    await victim?.kill()
    fleet.setSlow(false)
    await waitFor(async () => {
      const now = await versions(db)
      return [...before].every(([id, version]) => (now.get(id) ?? 0) > version)
    })
    all.push(performance.now() - killedAt)
    running = running.filter((bot) => bot !== victim)
    running.push(await bots.start('dolly', { DATABASE_URL }))
  }
  await Promise.all(running.map((bot) => bot.kill()))
  await db.destroy()
  return all
}

/** The processes that have claims on jobs. */
async function claimsOf(db: Database): Promise<{ name: string }[]> {
  return await db
    .selectFrom('jobs')
    .innerJoin('processes', 'processes.id', 'jobs.claimOwner')
    .select('processes.name')
    .distinct()
    .execute()
}

/** Each poll of a job makes a new version of it. */
async function versions(db: Database): Promise<Map<string, number>> {
  const rows = await db.selectFrom('jobs').select(['id', 'version']).execute()
  return new Map(rows.map(({ id, version }) => [id, version]))
}

async function waitFor(isThere: () => boolean | Promise<boolean>): Promise<void> {
  for (const until = performance.now() + MAX_WAIT_MS; !(await isThere()); await delay(25))
    if (performance.now() > until) throw new Error(`It didn't come about within ${MAX_WAIT_MS / 1_000} s.`)
}
