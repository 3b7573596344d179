/** Jobs per second: how fast they are recorded, and how fast they go from a claim through a transition to an event. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { better, defineQueue, type Queue } from 'plainjob'
import { pollDueJobs } from '../src/jobs/poll.js'
import { openDatabase } from '../src/store/database.js'
import { type TestContext, testContext } from '../test/helpers/context.js'
import { inTurn, timed } from './in-turn.js'

const JOBS = 500
const ROUNDS = 5

const folder = mkdtempSync(join(tmpdir(), 'dolly-bench-'))
let files = 0

const enqueued = await inTurn(
  ROUNDS,
  async () => await withDolly(async (context) => await timed(async () => await askAll(context))),
  async () => await withPlainjob(async (queue) => await timed(() => addAll(queue))),
)
const ended = await inTurn(
  ROUNDS,
  async () =>
    await withDolly(async (context) => {
      await askAll(context)
      await context.db.updateTable('jobs').set({ state: 'working', dueAt: 0, ref: '{"id":"1"}' }).execute()
      context.world.observation = { phase: 'done' }
      return await timed(async () => {
        while (await pollDueJobs(context, 'dummy-one'));
      })
    }),
  async () =>
    await withPlainjob(async (queue) => {
      addAll(queue)
      return await timed(() => {
        for (let job = queue.getAndMarkJobAsProcessing('clone'); job; job = queue.getAndMarkJobAsProcessing('clone'))
          queue.markJobAsDone(job.id)
      })
    }),
)
const rate = (ms: number) => Math.round((JOBS * 1_000) / ms)
console.table({
  enqueue: { ours: rate(enqueued.ours), rival: rate(enqueued.rivals), ratio: enqueued.rivals / enqueued.ours },
  'claim to end': { ours: rate(ended.ours), rival: rate(ended.rivals), ratio: ended.rivals / ended.ours },
})
rmSync(folder, { recursive: true })

async function withDolly(block: (context: TestContext) => Promise<number>): Promise<number> {
  files += 1
  const db = await openDatabase(join(folder, `${files}.db`))
  const context = await testContext({ db })
  const ms = await block(context)
  await db.destroy()
  return ms
}

async function askAll(context: TestContext): Promise<void> {
  for (let count = 0; count < JOBS; count += 1) await context.ask()
}

async function withPlainjob(block: (queue: Queue) => Promise<number>): Promise<number> {
  files += 1
  const sqlite = new Sqlite(join(folder, `${files}.db`))
  const silent = { error() {}, warn() {}, info() {}, debug() {} }
  const queue = defineQueue({ connection: better(sqlite), logger: silent })
  // As Dolly's. It sets NORMAL, which may lose the last jobs in a power cut.
  sqlite.pragma('synchronous = FULL')
  const ms = await block(queue)
  queue.close()
  return ms
}

function addAll(queue: Queue): void {
  for (let count = 0; count < JOBS; count += 1) queue.add('clone', { name: `copy-${count}` })
}
