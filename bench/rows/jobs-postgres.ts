import { Logger, makeWorkerUtils, runOnce } from 'graphile-worker'
import pg from 'pg'
import PgBoss from 'pg-boss'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { openDatabase } from '../../src/store/database.js'
import { testContext } from '../../test/helpers/context.js'
import { inTurn, median, timed } from '../in-turn.js'
import { startServer } from '../postgres.js'
import type { Row } from '../row.js'

/** As many as Dolly's workers have connections. */
const AT_ONCE = 4
/** As many as Dolly commits together. */
const BATCH = 25

export const row: Row = {
  title: 'jobs per second: claim → transition → event, Postgres',
  maxMs: 150_000,
  async measure({ isQuick }) {
    const [rounds, jobs] = isQuick ? [1, 100] : [5, 500]
    const server = await startServer()
    const db = await openDatabase(await server.newDatabase('dolly'))
    const context = await testContext({ db })
    context.world.observation = { phase: 'done' }
    const boss = new PgBoss({ connectionString: await server.newDatabase('boss'), schedule: false, supervise: false })
    boss.on('error', () => {})
    await boss.start()
    await boss.createQueue('clone')
    const graphileUrl = await server.newDatabase('graphile')
    const graphilePool = new pg.Pool({ connectionString: graphileUrl, max: 10 })
    graphilePool.on('error', () => {}).on('connect', (client) => client.on('error', () => {}))
    const graphile = { pgPool: graphilePool, logger: new Logger(() => () => {}) }
    const utils = await makeWorkerUtils(graphile)
    await utils.migrate()
    const rateOf = async (work: () => unknown) => (jobs * 1_000) / (await timed(work))

    async function dolly(): Promise<number> {
      for (let count = 0; count < jobs; count += 1) await context.ask()
      await db
        .updateTable('jobs')
        .set({ state: 'working', dueAt: 0, ref: '{"id":"1"}' })
        .where('state', '=', 'queued')
        .execute()
      return await rateOf(async () => {
        while (await pollDueJobs(context, 'dummy-one'));
      })
    }

    async function pgBoss(batchSize: number): Promise<number> {
      await boss.insert(
        Array.from({ length: jobs }, (_, count) => ({ name: 'clone', data: { name: `copy-${count}` } })),
      )
      let done = 0
      const work = async () => {
        for (;;) {
          const fetched = await boss.fetch('clone', { batchSize })
          if (fetched.length === 0) return
          await boss.complete(
            'clone',
            fetched.map(({ id }) => id),
          )
          done += fetched.length
        }
      }
      const rate = await rateOf(() => Promise.all(Array.from({ length: AT_ONCE }, work)))
      if (done !== jobs) throw new Error(`pg-boss did ${done} jobs.`)
      return rate
    }

    async function graphileWorker(): Promise<number> {
      let done = 0
      await utils.addJobs(
        Array.from({ length: jobs }, (_, count) => ({ identifier: 'clone', payload: { name: `copy-${count}` } })),
      )
      const clone = async () => {
        done += 1
      }
      const rate = await rateOf(() =>
        runOnce({ ...graphile, concurrency: AT_ONCE, noHandleSignals: true, taskList: { clone } }),
      )
      if (done !== jobs) throw new Error(`graphile-worker did ${done} jobs.`)
      return rate
    }

    const rates = await inTurn(rounds, {
      dolly,
      'pg-boss': () => pgBoss(1),
      'pg-boss in batches': () => pgBoss(BATCH),
      'graphile-worker': graphileWorker,
    })
    await utils.release()
    await boss.stop({ graceful: false, wait: true })
    await graphilePool.end()
    await db.destroy()
    await server.remove()
    const against = {
      'pg-boss': 'its default: one job at a time',
      'graphile-worker': 'its default',
      'pg-boss in batches': `${BATCH} jobs at a time`,
    }
    return (['pg-boss', 'graphile-worker', 'pg-boss in batches'] as const).map((name) => ({
      what: `beside ${name}`,
      ours: median(rates.dolly),
      theirs: median(rates[name]),
      unit: 'jobs/s',
      against: `${name.replace(' in batches', '')}, ${against[name]}, ${AT_ONCE} at once`,
      goal: { atLeast: 1 },
      why: name === 'pg-boss in batches' ? BATCHES : ONE_BY_ONE,
    }))
  },
}

const ONE_BY_ONE =
  'One Postgres with its defaults, each in a database of its own. Dolly commits 25 jobs that one poll saw together, each with its event and its audit row; the rival changes or deletes one row and commits.'
const BATCHES =
  'pg-boss ends 25 jobs with one statement that sets one column, and keeps no event and no audit. Dolly writes three rows for each job, and every one of its statements is a round trip.'
